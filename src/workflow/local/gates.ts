/**
 * The requests of runs at gates, and the messages of their decisions. Used by waits.ts, due_waits.ts, wait_texts.ts,
 * decisions.ts, decision_check.ts and kernel/agent_requests.ts.
 * I1. The digest of a request covers everything that a decision is about: the workflow and its code, the run, the
 *     messages before, and what is shown. A decision names it, so no one decides on anything other than what they saw.
 */
import { sha256 } from "../../base/sha256.ts";
import { toStorableText } from "../../base/storable_text.ts";
import { type Approval, type ApprovalDecision, type NewApproval, stateOfDecision } from "../../protocol/approval.ts";
import type { AskedWait } from "../../protocol/asked_wait.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { RunWait } from "../../protocol/run_wait.ts";

export type AskedGate = Extract<AskedWait, { kind: "gate" }>;
/** The kernel's own request, about a role whose end is unknown. */
export type AskedRecovery = Omit<AskedGate, "kind" | "phase"> & { readonly kind: "recovery" };

/** `count`: how many requests the gate of this run has made before; `code`: the version of the workflow's code. */
export async function createRequest(
  run: Run,
  wait: RunWait,
  asked: AskedGate | AskedRecovery,
  { messages, count, code }: { messages: Iterable<RunMessage>; count: number; code: string },
): Promise<NewApproval> {
  const { round, role, since, due } = wait, { options, onExpiry, approvers } = asked;
  const title = toStorableText(asked.title), body = toStorableText(asked.body);
  const digests: string[] = [];
  for (const { round, role, content, meta } of messages) {
    digests.push(await sha256OfJson([round, role, content, meta]));
  }
  const about = [run.workflow, code, run.runId, round, role, title, body, options];
  const digest = await sha256OfJson([...about, digests]);
  const { kind } = asked, phase = asked.kind === "recovery" ? asked.kind : asked.phase ?? "", gate = role;
  const shown = {
    id: `${run.runId}:${role}:${phase}:${count + 1}`,
    round,
    role,
    gate,
    kind,
    title,
    body,
    options,
    digest,
  };
  return { ...shown, created: since.wall, expires: due, onExpiry, approvers };
}

/** The reason of a run that waits at a gate, for a reader. */
export function describeGate({ role, title }: Pick<NewApproval, "role" | "title">): string {
  return `role ${role} waits for a decision: ${title}`;
}

/** A decision, in words. */
export function describeDecision({ decision, by, how, decided }: Approval): string {
  const when = decided === null ? "" : ` at ${new Date(decided).toISOString()}`;
  return how === "expiry"
    ? `${decision}, because nobody decided in time${when}`
    : `${decision} by ${by ?? "a person"}${when}`;
}

/** The decision for an option. */
export function createDecision(
  { id, digest }: Pick<Approval, "id" | "digest">,
  how: Pick<ApprovalDecision, "decision" | "by" | "how" | "token" | "comment" | "key" | "signature">,
  now: number,
): ApprovalDecision {
  const state = how.how === "expiry" ? "expired" : stateOfDecision(how.decision);
  return { id, digest, state, ...how, decided: now };
}

/** The message that settles the wait of a gate. */
export function createDecisionMessage(
  { round, role }: Pick<Approval, "round" | "role">,
  { decision, by, how, digest, comment, decided }: ApprovalDecision,
): RunMessage {
  const who = how === "expiry" ? "nobody decided in time" : by === null ? null : `by ${by}`;
  const content = [who === null ? decision : `${decision} (${who})`, comment].filter((part) => part !== null).join(
    ": ",
  );
  return { round, role, content, meta: { decision, by, at: decided, how, digest, comment }, ts: decided };
}

function sha256OfJson(value: unknown): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(value)));
}
