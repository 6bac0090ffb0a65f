/**
 * What the log rows of a run contain besides their author's payload, so that `workflow_runs` can be rebuilt from them.
 * Pure; run_store.ts writes them, rebuild.ts reads them.
 * - The first row of a run (`run.queued`, `run.started` or `run.dropped`) contains every field of the run.
 * - The row of a later change contains the changed fields; `status` is always one of them.
 * - A `run.message` row contains the message. If the run waits, it also settles the wait.
 * - A `run.waiting` row contains, besides the changed fields, the `wait`, and the `children` that the run waits for.
 * - A `run.child_refused` row names the child that was not started.
 * - An `approval.requested` row contains the `request` of a run that has just begun to wait, and an `approval.decided`
 *   row the `decision`, after the message that settles the wait.
 * - A `run.event` row contains the `event` that was sent; the `run.message` row of a wait that took it has its key,
 *   `took`.
 * - A `run.role_begun` row names the role that runs once and has begun.
 * - A `run.paused` row contains the `pause`; a `run.resumed` row of a run that waits again contains the `wait`.
 * Other rows about a run (`run.log`, `run.refused`, a `run.crashed` that only records a death) have no `status`.
 */
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { LogType, NewLogRow } from "../../protocol/log.ts";
import type { Run, RunChange } from "../../protocol/run.ts";

/** The row types for changes of a run's state. */
export const runStateTypes: readonly LogType[] = [
  "run.queued",
  "run.started",
  "run.resumed",
  "run.held",
  "run.waiting",
  "run.paused",
  "run.completed",
  "run.failed",
  "run.killed",
  "run.crashed",
  "run.interrupted",
  "run.dropped",
];

/** Whether a row records a change of a run's state. */
export function isRunState({ type, payload }: Pick<NewLogRow, "type" | "payload">): boolean {
  return runStateTypes.includes(type) && isPlainObject(payload) && payload.status !== undefined;
}

/** The author's row, with every field of the run. */
export function buildFirstRow(row: NewLogRow, run: Run): NewLogRow {
  return { ...row, payload: { ...toObject(row.payload), ...run } };
}

/** The author's row, with the changed fields. */
export function buildChangeRow(row: NewLogRow, change: RunChange): NewLogRow {
  return { ...row, payload: { ...toObject(row.payload), ...change } };
}

function toObject(payload: Json): JsonObject {
  return isPlainObject(payload) ? payload as JsonObject : payload === null ? {} : { detail: payload };
}
