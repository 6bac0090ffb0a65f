/**
 * Reads the roles that a person plays, and asks the author's functions for the texts that the person sees. Used by
 * waits.ts.
 * I1. Whatever the functions return fits the bounds of a request, or is an error that names the part.
 */
import { parseDuration } from "../base/duration.ts";
import { namePattern } from "../base/name_pattern.ts";
import { err, ok, type Result } from "../base/result.ts";
import {
  gateApproversMax,
  gateBodyMaxBytes,
  gateOptionMaxChars,
  gateOptionsMax,
  gateTitleMaxChars,
  sleepMaxMs,
} from "../base/wait_limits.ts";
import { byteLength } from "../protocol/json.ts";
import type { AskedWait } from "../protocol/asked_wait.ts";
import type { WaitContext } from "../sdk/waits.ts";
import { describeError } from "./error_text.ts";
import type { WaitFault, WaitPlan } from "./wait_plan.ts";

type AskedGate = Extract<AskedWait, { kind: "gate" }>;
type Text = string | ((context: WaitContext) => unknown);

const keys: readonly string[] = ["title", "body", "options", "expires", "onExpiry", "approvers", "phase"];

/** The plan of a declared gate, or what is wrong with it. */
export function readGatePlan(gate: Record<string, unknown>): Result<WaitPlan, string> {
  const unknown = Object.keys(gate).find((key) => !keys.includes(key));
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: the keys of a gate are ${keys.join(", ")}`);
  const { title, body = "" } = gate;
  for (const [key, text] of Object.entries({ title, body })) {
    if (typeof text !== "string" && typeof text !== "function") {
      return err(`has a ${key} that is neither a text nor a function`);
    }
  }
  const rest = readRest(gate);
  if (!rest.ok) return rest;
  const parts = { title: title as Text, body: body as Text };
  // Fixed texts are checked when the workflow loads, not when a run reaches the gate.
  for (const key of ["title", "body"] as const) {
    const text = parts[key], fault = typeof text === "string" ? findFault(key, text) : null;
    if (fault !== null) return err(`has a ${key} that ${fault}`);
  }
  const approvers = readApprovers(gate.approvers);
  if (!approvers.ok) return approvers;
  const { phase = "" } = gate;
  if (phase !== "" && (typeof phase !== "string" || !namePattern.test(phase) || phase === "recovery")) {
    return err("has a phase that is no name of lower-case letters, digits and hyphens");
  }
  const owner = phase === "" ? {} : { phase: phase as string };
  const asked = { ...rest.value, approvers: approvers.value, ...owner };
  return ok({ ask: (context) => askTexts(parts, context, asked), approvers: asked.approvers ?? [] });
}

function readApprovers(names: unknown): Result<string[] | null, string> {
  if (names === undefined) return ok(null);
  const isNames = Array.isArray(names) && names.every((name) => typeof name === "string");
  if (!isNames || names.length === 0 || names.length > gateApproversMax) {
    return err(`has approvers that are no list of 1 to ${gateApproversMax} names`);
  }
  return ok([...new Set(names as string[])]);
}

type Rest = Omit<AskedGate, "kind" | "title" | "body">;

function askTexts(
  { title, body }: Readonly<Record<"title" | "body", Text>>,
  context: WaitContext,
  rest: Rest,
): Result<AskedWait, WaitFault> {
  const asked = askText("title", title, context);
  if (!asked.ok) return asked;
  const shown = askText("body", body, context);
  return shown.ok ? ok({ kind: "gate", title: asked.value, body: shown.value, ...rest }) : shown;
}

function askText(key: "title" | "body", text: Text, context: WaitContext): Result<string, WaitFault> {
  let value: unknown;
  try {
    value = typeof text === "string" ? text : text(context);
  } catch (thrown) {
    return err({ message: `its ${key} threw: ${describeError(thrown)}`, thrown });
  }
  const fault = findFault(key, value);
  return fault === null ? ok(toShown(key, value as string)) : err({ message: `its ${key} ${fault}`, thrown: null });
}

/** A title is one line. */
function toShown(key: "title" | "body", text: string): string {
  return key === "body" ? text.toWellFormed() : text.toWellFormed().trim().replaceAll(/\s+/g, " ");
}

function findFault(key: "title" | "body", text: unknown): string | null {
  if (typeof text !== "string") return `is not a text, but ${text === null ? "null" : typeof text}`;
  if (key === "body") {
    const isLarge = text.length > gateBodyMaxBytes || byteLength(text) > gateBodyMaxBytes;
    return isLarge ? `is larger than ${gateBodyMaxBytes} bytes: store it as a blob and show its digest` : null;
  }
  if (text.length > gateTitleMaxChars) return `is longer than ${gateTitleMaxChars} characters`;
  return text.trim() === "" ? "is empty" : null;
}

function readRest(gate: Record<string, unknown>): Result<Omit<Rest, "approvers" | "phase">, string> {
  const { options = ["approve", "reject"], expires } = gate;
  if (!Array.isArray(options) || options.length === 0 || options.length > gateOptionsMax) {
    return err(`has options that are no list of 1 to ${gateOptionsMax}`);
  }
  const wrong = options.find((each) => typeof each !== "string" || !isOption(each));
  if (wrong !== undefined) return err(`has an option that is no name of 1 to ${gateOptionMaxChars} characters`);
  if (new Set(options).size < options.length) return err("has an option twice");
  const { onExpiry = expires === undefined ? undefined : "reject" } = gate;
  if (expires === undefined) {
    return onExpiry === undefined
      ? ok({ options, expiresMs: null, onExpiry: null })
      : err("has onExpiry, but never expires: say when with expires");
  }
  if (!options.includes(onExpiry)) return err("has an onExpiry that is none of its options: name one of them");
  const ms = typeof expires === "string" ? parseDuration(expires) : ok(expires);
  if (!ms.ok) return err(`has an invalid expires: ${ms.error}`);
  if (typeof ms.value !== "number" || !Number.isInteger(ms.value) || ms.value < 0 || ms.value > sleepMaxMs) {
    return err(`has an expires that is not a span from 0 to ${sleepMaxMs} ms`);
  }
  return ok({ options, expiresMs: ms.value, onExpiry: onExpiry as string });
}

/** An option is typed on command lines and read in lists. */
function isOption(option: string): boolean {
  return option.length <= gateOptionMaxChars && /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/.test(option);
}
