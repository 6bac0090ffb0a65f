/**
 * What the rows of a run hold beyond what their author wrote, so that `workflow_runs` can be rebuilt from them.
 * Pure; written by run_store.ts, read by rebuild.ts.
 * - The first row of a run (`run.queued`, `run.started` or `run.dropped`) holds every field of the run.
 * - A row of a later change holds the fields that it changed; `status` is always one of them.
 * - A `run.message` row holds the message.
 * Other rows about a run (`run.log`, `run.refused`, a `run.crashed` that only tells of a death) have no `status`.
 */
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { LogType, NewLogRow } from "../../protocol/log.ts";
import type { Run, RunChange } from "../../protocol/run.ts";

/** The types of rows that a change of a run's state has. */
export const runStateTypes: readonly LogType[] = [
  "run.queued",
  "run.started",
  "run.resumed",
  "run.completed",
  "run.failed",
  "run.killed",
  "run.crashed",
  "run.interrupted",
  "run.dropped",
];

/** Whether a row tells of a change of a run's state. */
export function isRunState({ type, payload }: Pick<NewLogRow, "type" | "payload">): boolean {
  return runStateTypes.includes(type) && isPlainObject(payload) && payload.status !== undefined;
}

/** The author's row, with all of the run. */
export function buildFirstRow(row: NewLogRow, run: Run): NewLogRow {
  return { ...row, payload: { ...toObject(row.payload), ...run } };
}

/** The author's row, with what was changed. */
export function buildChangeRow(row: NewLogRow, change: RunChange): NewLogRow {
  return { ...row, payload: { ...toObject(row.payload), ...change } };
}

function toObject(payload: Json): JsonObject {
  return isPlainObject(payload) ? payload as JsonObject : payload === null ? {} : { detail: payload };
}
