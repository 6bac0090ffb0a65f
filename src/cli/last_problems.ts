/**
 * The last problems of a workspace, for `nerve status`: rows of the log that no later good row of the same sense, group
 * or workflow has ended.
 */
import { isPlainObject } from "../protocol/json.ts";
import type { LogRow, LogType } from "../protocol/log.ts";
import { queueFullReason } from "../protocol/run.ts";
import type { CliRecords } from "./open_records.ts";

const computed = ["sense.signal", "sense.directive", "sense.null"] as const;

/** The rows that are problems, each with the later rows of its source that end it. */
const endedBy: Readonly<Partial<Record<LogType, readonly LogType[]>>> = {
  "group.died": ["group.ready"],
  "group.quarantined": ["group.ready", "group.reset"],
  "group.error": ["group.ready"],
  "sense.error": computed,
  "sense.timeout": computed,
  "sense.load_failed": ["sense.loaded", ...computed],
  // The previous version of the sense may continue to compute.
  "sense.held": ["sense.loaded"],
  "workflow.held": ["group.ready"],
  // The compute continues as a signal, so neither a signal nor a null shows that the directive is valid now.
  "sense.directive_invalid": ["sense.directive", "sense.loaded"],
  "run.failed": ["run.completed"],
  "run.held": ["run.completed", "run.resumed", "run.killed"],
  "run.paused": ["run.completed", "run.resumed", "run.killed"],
  "run.crashed": ["run.completed"],
  "run.dropped": ["run.completed"],
  "run.closed": ["run.closed"],
  "config.refused": ["config.loaded"],
};

/** How many rows of each type are read. */
const candidatesMax = 50;

/** At most `max` rows, newest last. */
export function readOpenProblems(records: CliRecords, max: number): LogRow[] {
  const rows = Object.keys(endedBy)
    .flatMap((type) => records.logs({ type, order: "desc", limit: candidatesMax }))
    .filter(isProblem)
    .sort((a, b) => b.id - a.id);
  // When the newest problem of its source and type has ended, so have all older ones.
  const open: LogRow[] = [], ended = new Set<string>();
  for (const row of rows) {
    if (open.length === max) break;
    const key = `${row.source} ${row.type}`;
    if (ended.has(key)) continue;
    if (isEnded(records, row)) ended.add(key);
    else open.push(row);
  }
  return open.reverse();
}

/**
 * `overflow: drop` is configured, but a full queue that drops its oldest run is a loss. A closed run is a problem only
 * if its `finally` failed, a paused one only if its code contradicts its messages.
 */
function isProblem({ type, payload }: LogRow): boolean {
  if (type === "run.paused") return isPlainObject(payload) && typeof Object(payload.pause).code === "string";
  if (type === "run.closed") return isPlainObject(payload) && payload.error !== undefined;
  return type !== "run.dropped" || (isPlainObject(payload) && payload.reason === queueFullReason);
}

function isEnded(records: CliRecords, { id, type, source }: LogRow): boolean {
  if ((type === "sense.held" || type === "workflow.held") && isInForce(records, source, id)) return true;
  return (endedBy[type] ?? []).some((good) => records.logs({ source, type: good, afterId: id, limit: 1 }).length > 0);
}

/** Whether what was held is now in force, or gone: its process may not have started since. */
function isInForce(records: CliRecords, source: string, afterId: number): boolean {
  const loads = records.logs({ source: "kernel", type: "config.loaded", afterId, order: "desc", limit: candidatesMax });
  return loads.some(({ payload }) =>
    isPlainObject(payload) && Array.isArray(payload.changes) &&
    payload.changes.some((change) => isPlainObject(change) && change.of === source)
  );
}
