/**
 * Errors that several rooms raise, so that each fault has one wording. base/error_codes.ts has the codes, problem.ts
 * their HTTP status.
 */
import { NerveError } from "../base/errors.ts";
import { describeLockHolder, type LockHolder } from "./lock_holder.ts";

/** The text for an unknown name, also used where it is one problem among others. */
export function unknownText(
  kind: "sense" | "workflow" | "run" | "request" | "session" | "alert" | "hook" | "agent",
  name: string,
): string {
  return `there is no ${kind} "${name}"`;
}

/** SENSE_UNKNOWN. `known` are the existing names. */
export function unknownSense(name: string, known: Iterable<string>): NerveError {
  return new NerveError("SENSE_UNKNOWN", unknownText("sense", name), { hint: hintKnown("sense", known) });
}

/** WORKFLOW_UNKNOWN. `known` are the existing names. */
export function unknownWorkflow(name: string, known: Iterable<string>): NerveError {
  return new NerveError("WORKFLOW_UNKNOWN", unknownText("workflow", name), { hint: hintKnown("workflow", known) });
}

/** ALERT_UNKNOWN. `known` are the existing names. */
export function unknownAlert(name: string, known: Iterable<string>): NerveError {
  const names = [...known];
  const hint = names.length === 0 ? "nerve.yaml has no alerts: see docs/alerts.md" : `there are: ${names.join(", ")}`;
  return new NerveError("ALERT_UNKNOWN", unknownText("alert", name), { hint });
}

/** HOOK_UNKNOWN. */
export function unknownHook(name: string): NerveError {
  const hint = "hooks of nerve.yaml need a reflex, as { sense: NAME, hook: NAME }";
  return new NerveError("HOOK_UNKNOWN", unknownText("hook", name), { hint });
}

/** RUN_UNKNOWN. */
export function unknownRun(runId: string): NerveError {
  return new NerveError("RUN_UNKNOWN", unknownText("run", runId), { hint: "nerve workflow list --all" });
}

/** SESSION_UNKNOWN. */
export function unknownSession(id: string): NerveError {
  return new NerveError("SESSION_UNKNOWN", unknownText("session", id), { hint: "nerve session list --all" });
}

/** APPROVAL_UNKNOWN. */
export function unknownApproval(id: string): NerveError {
  return new NerveError("APPROVAL_UNKNOWN", unknownText("request", id), { hint: "nerve approvals --all" });
}

/** DAEMON_MISSING. `root` is null where only the socket is known. */
export function daemonMissing(root: string | null, cause?: unknown): NerveError {
  return new NerveError("DAEMON_MISSING", `no daemon runs in ${root ?? "this workspace"}`, {
    hint: "nerve start",
    cause,
  });
}

/** DAEMON_RUNNING. `detail`: more about that daemon. */
export function daemonRunning(
  root: string,
  pid: number | string,
  { hint, detail = null }: { hint: string; detail?: string | null },
): NerveError {
  const more = detail === null ? "" : `; ${detail}`;
  return new NerveError("DAEMON_RUNNING", `a daemon already runs in ${root} (pid ${pid})${more}`, { hint });
}

/** DAEMON_RUNNING for the holder of the workspace. `hint`: what to do if that is a daemon of nerve. */
export function workspaceHeld(root: string, holder: LockHolder, { hint }: { hint: string }): NerveError {
  if (holder.kind === "embedded") return embeddedRuns(root, holder);
  if (holder.kind !== "command") return daemonRunning(root, holder.pid, { hint });
  return new NerveError("DAEMON_RUNNING", `${describeLockHolder(holder)} holds ${root} for itself`, {
    hint: "try again when it has ended",
  });
}

/** DAEMON_RUNNING for a program that embeds nerve: no command of nerve may end it. */
export function embeddedRuns(root: string, holder: LockHolder): NerveError {
  return new NerveError("DAEMON_RUNNING", `${root} is held by ${describeLockHolder(holder)}`, {
    hint: "end its kernel there; with the option `control` of createKernel, nerve stop does so too",
  });
}

function hintKnown(kind: "sense" | "workflow", known: Iterable<string>): string {
  const names = [...known];
  return names.length === 0 ? `nerve init ${kind} NAME` : `there are: ${names.join(", ")}`;
}
