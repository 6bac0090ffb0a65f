/** The people around the manager of workflow_world.ts who decide requests of runs, and send events to runs. */
import assert from "node:assert/strict";
import type { Approval } from "../../src/protocol/approval.ts";
import type { WorkflowManager } from "../../src/workflow/local/manager.ts";
import type { RunStore } from "../../src/workflow/local/ports.ts";
import { pick } from "./workflow_steps.ts";
import type { Witness } from "./workflow_witness.ts";

const roundsMax = 4;

/** All requests, decided or not. */
function asked(store: RunStore, ids: readonly string[]): Approval[] {
  const rounds = Array.from({ length: roundsMax }, (_, index) => index + 1);
  return ids.flatMap((id) => rounds.flatMap((round) => store.readApprovalAt(id, round)?.approval ?? []));
}

/** Decides one of all requests, sometimes with a digest that was not shown. */
export function decide(manager: WorkflowManager, store: RunStore, witness: Witness, a: number, b: number): void {
  const approval = pick(asked(store, witness.ids), a);
  if (approval === undefined) return;
  const option = pick(approval.options, b) ?? "approve", digest = b % 7 === 0 ? "another" : approval.digest;
  const request = { option, digest, token: `t${b % 3}`, ...option === "done" ? { content: "done" } : {} };
  const refusals = [
    "APPROVAL_UNKNOWN",
    "APPROVAL_DECIDED",
    "APPROVAL_STALE",
    "RUN_ENDED",
    "RUN_PAUSED",
    "STORE_FAILED",
  ];
  witness.expect(manager.decide(approval.id, request), refusals, ({ approval: decided, replayed }) => {
    assert.equal(decided.decision, option, "who is answered has decided so");
    assert.ok(replayed || digest !== "another", "nobody decides on what they have not seen");
    witness.decided(approval, option);
  });
}

/** Sends one of a few events to a run; the same key is the same event. */
export function sendEvent(manager: WorkflowManager, witness: Witness, a: number, b: number): void {
  const runId = pick(witness.ids, a) ?? "none", key = `k${b % 6}`;
  const sent = manager.sendEvent(runId, { name: "go", key, payload: { key } });
  witness.expect(sent, ["RUN_UNKNOWN", "RUN_ENDED", "STORE_FAILED"], () => witness.sent(runId, key));
}

/** Gives a run what it waits for. */
export function satisfy(manager: WorkflowManager, store: RunStore, witness: Witness, runId: string, n: number): void {
  const wait = store.readWait(runId);
  if (wait?.event !== null && wait !== null) {
    const sent = manager.sendEvent(runId, { name: wait.event, key: `last ${n}`, payload: {} });
    witness.expect(sent, ["RUN_ENDED", "STORE_FAILED"], () => {});
  }
  const approval = wait?.kind === "gate" || wait?.kind === "recovery"
    ? store.readApprovalAt(runId, wait.round)?.approval
    : undefined;
  if (approval?.state !== "pending") return;
  const { id, digest, options } = approval,
    option = pick(options, n) ?? "approve",
    refusals = ["APPROVAL_DECIDED", "RUN_ENDED", "STORE_FAILED"];
  const supplied = option === "done" ? { content: "done" } : {};
  witness.expect(manager.decide(id, { option, digest, token: "last", ...supplied }), refusals, () => {});
}
