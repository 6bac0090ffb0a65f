/** The child runs of a role, and the message with their outcomes. Pure; used by the other files of this folder. */
import { messageMetaMaxBytes } from "../../base/limits.ts";
import { childContentMaxChars, childDepthMax } from "../../base/wait_limits.ts";
import type { AskedWait } from "../../protocol/asked_wait.ts";
import { byteLength, type JsonObject } from "../../protocol/json.ts";
import { type Run, runIdSchema, type RunMessage } from "../../protocol/run.ts";
import type { ChildOfRun, NewChild, RunWait } from "../../protocol/run_wait.ts";
import { currentRoundOf } from "./role_failure.ts";

/** The sandbox calls it `ChildResult`. */
export type ChildOutcome = {
  readonly runId: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly content: string;
};

/** The runs that a role requests, with their ids: the same for the same round of the same run. */
export function createChildren(
  { runId }: Run,
  round: number,
  asked: AskedWait | { readonly kind: "recovery" },
): NewChild[] {
  if (asked.kind !== "children") return [];
  return asked.runs.map((request, index) => ({ runId: `${runId}.${round}.${index + 1}`, request }));
}

/** The depth of a run's children. */
export function childDepthOf({ trigger }: Pick<Run, "trigger">): number {
  return trigger.kind === "run" ? trigger.depth + 1 : 1;
}

/** Why a run cannot have these children; null when it can. */
export function findChildrenFault(run: Run, role: string, asked: AskedWait): string | null {
  const last = createChildren(run, currentRoundOf(run), asked).at(-1);
  if (last === undefined) return null;
  if (childDepthOf(run) > childDepthMax) {
    return `role ${role} cannot start runs: ${childDepthMax} runs wait for this one already, one for another;` +
      " does a workflow start itself without end?";
  }
  if (runIdSchema.safeParse(last.runId).success) return null;
  return `role ${role} cannot start runs: their ids would be longer than 128 characters, such as ${last.runId};` +
    " start this run with a shorter id";
}

/** The children, described for a reader. */
export function describeChildren(children: readonly NewChild[]): string {
  const [first] = children;
  if (first === undefined) return "no runs";
  return children.length === 1 ? `run ${first.runId} of ${first.request.workflow}` : `${children.length} runs`;
}

/** The outcome of a child. `last`: the content of its last message. */
export function createOutcome({ runId, refused, run }: ChildOfRun, last: string): ChildOutcome {
  if (run === null) return { runId, status: "refused", exitCode: null, content: refused ?? "it was not started" };
  const { status, exitCode, reason } = run;
  const content = status === "completed" ? last : reason ?? status;
  return { runId, status, exitCode, content: clipText(content, childContentMaxChars) };
}

/** The message that settles the wait. If it does not fit into `meta`, the longest texts are cut first. */
export function createChildrenMessage(
  { round, role }: Pick<RunWait, "round" | "role">,
  outcomes: readonly ChildOutcome[],
  now: number,
): RunMessage {
  const counts = new Map<string, number>();
  for (const { status } of outcomes) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
  const content = outcomes.length === 0
    ? "no runs"
    : `${outcomes.length === 1 ? "1 run" : `${outcomes.length} runs`}: ${parts}`;
  const meta: JsonObject = { runs: fitOutcomes(outcomes) };
  return { round, role, content, meta, ts: now };
}

/** Reserved for the rest of `meta`. */
const envelopeBytes = 1024;

/** Each text gets an equal share of the room that shorter ones have left. Reads no more text than fits. */
function fitOutcomes(outcomes: readonly ChildOutcome[]): JsonObject[] {
  const bare = byteLength(JSON.stringify(outcomes.map((outcome) => ({ ...outcome, content: "" }))));
  let room = messageMetaMaxBytes - envelopeBytes - bare, left = outcomes.length;
  const fitted = new Map<ChildOutcome, string>();
  for (const outcome of outcomes.toSorted((a, b) => a.content.length - b.content.length)) {
    const { text, bytes } = fitText(outcome.content.toWellFormed(), Math.floor(room / left--));
    room -= bytes;
    fitted.set(outcome, text);
  }
  return outcomes.map((outcome) => ({ ...outcome, content: fitted.get(outcome) ?? "" }));
}

const dots = "...";

/** The text, cut to at most `most` bytes of JSON, and its size. */
function fitText(text: string, most: number): { readonly text: string; readonly bytes: number } {
  let bytes = 0, cutAt = 0, cutBytes = 0;
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at) ?? 0;
    if (bytes + dots.length <= most) {
      cutAt = at;
      cutBytes = bytes;
    }
    bytes += bytesInJson(code);
    if (bytes > most) return { text: `${text.slice(0, cutAt)}${dots}`, bytes: cutBytes + dots.length };
    at += code > 0xffff ? 2 : 1;
  }
  return { text, bytes };
}

/** An upper bound: some control characters have shorter escapes. */
function bytesInJson(code: number): number {
  if (code < 0x20) return 6;
  if (code === 0x22 || code === 0x5c) return 2;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

function clipText(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).toWellFormed()}${dots}`;
}
