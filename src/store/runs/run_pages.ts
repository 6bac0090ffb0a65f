/**
 * Pages of runs and of messages, over any connection, in steps. Used by reader.ts.
 * I1. As in row_finder.ts: no statement reads more than a page or a step, except for the count of all runs that pass a
 *     filter, which an index answers.
 */
import type { MessageQuery, RunPage, RunQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage, RunStatus } from "../../protocol/run.ts";
import { type Page, PageFill } from "../reading/pages.ts";
import type { Steps } from "../reading/steps.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { runColumns, toRun, toRunMessage } from "./run_sql.ts";

/** Runs and messages that one step checks one by one, and about how many bytes of items one step reads. */
const windowRuns = 2_048, windowMessages = 16, stepBytes = 256 * 1024;
/** The bytes of a run: its texts. The rest is small. */
const runBytes =
  "octet_length(prompt) + octet_length(payload) + octet_length(trigger) + octet_length(coalesce(reason, ''))";

/** A page, newest first; `total` counts every run that passes the filter. */
export function* findRuns(statements: StatementCache, query: RunQuery): Steps<Page<Run> & RunPage> {
  const { workflow, statuses = null } = query, fill = new PageFill<Found>(query);
  const [newest] = readArrays(statements, "select max(seq) from workflow_runs", []) as [[number | null]];
  const before = query.before === undefined ? (newest[0] ?? 0) + 1 : readSeq(statements, query.before);
  const checked = workflow !== undefined && statuses !== null;
  const total = checked
    ? yield* countChecked(statements, workflow, statuses)
    : countRuns(statements, workflow, statuses);
  if (checked) yield* checkRuns(statements, workflow, statuses, before, query.offset, fill);
  else walkRuns(statements, workflow, statuses, before, query.offset, fill);
  const items = (yield* readFound(statements, fill.items, runColumns, "workflow_runs", "seq", true)).map(toRun);
  return { items, total, more: fill.full };
}

interface Found {
  /** `seq` of a run, `id` of a message. */
  readonly key: number;
  readonly bytes: number;
}

/** Below every run, when there is no such run. */
function readSeq(statements: StatementCache, runId: string): number {
  const [row] = readArrays(statements, "select seq from workflow_runs where run_id = ?", [runId]);
  return row === undefined ? -1 : row[0] as number;
}

/** Newest first, by an index that has them in this order: one for each status, which SQLite merges. */
function walkRuns(
  statements: StatementCache,
  workflow: string | undefined,
  statuses: readonly RunStatus[] | null,
  before: number,
  offset: number,
  fill: PageFill<Found>,
): void {
  const branches = workflow !== undefined
    ? [{ sql: "workflow = ?", values: [workflow] }]
    : statuses === null
    ? [{ sql: "true", values: [] }]
    : [...new Set(statuses)].map((status) => ({ sql: "status = ?", values: [status] }));
  if (branches.length === 0) return;
  const union = branches.map(({ sql }) => `select seq, ${runBytes} from workflow_runs where ${sql} and seq < ?`)
    .join(" union all ");
  const values = [...branches.flatMap(({ values }) => [...values, before]), fill.room + 1, offset];
  for (const [key, bytes] of readArrays(statements, `${union} order by seq desc limit ? offset ?`, values)) {
    fill.add({ key: key as number, bytes: bytes as number }, bytes as number);
  }
}

/** Newest first, among the runs of a workflow, whose statuses are checked one by one. */
function* checkRuns(
  statements: StatementCache,
  workflow: string,
  statuses: readonly RunStatus[],
  before: number,
  offset: number,
  fill: PageFill<Found>,
): Steps<void> {
  const sql =
    `select seq, status, ${runBytes} from workflow_runs where workflow = ? and seq < ? order by seq desc limit ?`;
  for (let at = before, skipped = 0; !fill.full;) {
    const rows = readArrays(statements, sql, [workflow, at, windowRuns]) as [number, RunStatus, number][];
    for (const [key, status, bytes] of rows) {
      if (statuses.includes(status) && skipped++ >= offset) fill.add({ key, bytes }, bytes);
    }
    at = rows.at(-1)?.[0] ?? at;
    if (rows.length < windowRuns) return;
    yield;
  }
}

function countRuns(
  statements: StatementCache,
  workflow: string | undefined,
  statuses: readonly RunStatus[] | null,
): number {
  const where = workflow !== undefined
    ? " where workflow = ?"
    : statuses === null
    ? ""
    : ` where status in (${statuses.map(() => "?").join(", ")})`;
  const values = workflow !== undefined ? [workflow] : statuses ?? [];
  return readArrays(statements, `select count(*) from workflow_runs${where}`, values)[0]?.[0] as number;
}

function* countChecked(statements: StatementCache, workflow: string, statuses: readonly RunStatus[]): Steps<number> {
  const sql = "select count(*), max(seq), sum(status in (select value from json_each(?))) from" +
    " (select seq, status from workflow_runs where workflow = ? and seq > ? order by seq limit ?)";
  for (let after = 0, total = 0;;) {
    const values = [JSON.stringify(statuses), workflow, after, windowRuns];
    const [row] = readArrays(statements, sql, values) as [[number, number, number | null]];
    const [count, last, passing] = row;
    total += passing ?? 0;
    if (count < windowRuns) return total;
    after = last;
    yield;
  }
}

/** As `StoreReader.messages`. */
export function* findMessages(
  statements: StatementCache,
  runId: string,
  query: MessageQuery = {},
): Steps<Page<RunMessage>> {
  const { beforeRound = Infinity, limit = Number.MAX_SAFE_INTEGER - 1 } = query;
  const ofRun = "from logs where ref_id = ? and type = 'run.message'";
  for (;;) {
    const fill = new PageFill<Found>({ limit });
    const beforeId = yield* findBeforeId(statements, ofRun, runId, beforeRound);
    const ids = `select id, octet_length(payload) ${ofRun} and id < ? order by id desc limit ?`;
    if (beforeId !== null) {
      for (const [key, bytes] of readArrays(statements, ids, [runId, beforeId, limit + 1]) as [number, number][]) {
        fill.add({ key, bytes }, bytes);
      }
    }
    const rows = yield* readFound(statements, fill.items, "ts, payload", "logs", "id", true);
    // Some may have left for the archive meanwhile.
    if (rows.length < fill.items.length) continue;
    const items = rows.map(([ts, payload]) => toRunMessage(ts as number, JSON.parse(payload as string))).reverse();
    return { items, more: fill.full };
  }
}

/**
 * The id below which the messages before a round are; null when there are none. Rounds follow each other, so the place
 * of the round in the index is known from the newest one. Where that does not hold, it looks at every message.
 */
function* findBeforeId(
  statements: StatementCache,
  ofRun: string,
  runId: string,
  beforeRound: number,
): Steps<number | null> {
  if (beforeRound === Infinity) return Number.MAX_SAFE_INTEGER;
  const place = `select id, json_extract(payload, '$.round') ${ofRun} order by id desc limit 1 offset ?`;
  const at = (offset: number) => readArrays(statements, place, [runId, offset])[0] as [number, number] | undefined;
  const newest = at(0);
  if (newest === undefined) return null;
  if (newest[1] < beforeRound) return Number.MAX_SAFE_INTEGER;
  yield;
  const last = at(newest[1] - beforeRound + 1), next = at(newest[1] - beforeRound);
  if (next?.[1] === beforeRound && (last === undefined || last[1] === beforeRound - 1)) return next[0];
  yield;
  const window = `select id, json_extract(payload, '$.round') ${ofRun} and id < ? order by id desc limit ?`;
  for (let below = newest[0];;) {
    const rows = readArrays(statements, window, [runId, below, windowMessages]) as [number, number][];
    const found = rows.find(([, round]) => round < beforeRound);
    if (found !== undefined) return found[0] + 1;
    if (rows.length < windowMessages) return null;
    below = rows.at(-1)?.[0] ?? below;
    yield;
  }
}

function* readFound(
  statements: StatementCache,
  found: readonly Found[],
  columns: string,
  table: "logs" | "workflow_runs",
  key: "id" | "seq",
  descending: boolean,
): Steps<unknown[][]> {
  const order = `order by ${key}${descending ? " desc" : ""}`;
  const sql = `select ${columns} from ${table} where ${key} in (select value from json_each(?)) ${order}`;
  const rows: unknown[][] = [];
  for (let from = 0; from < found.length;) {
    let to = from, bytes = 0;
    while (to < found.length && (to === from || bytes < stepBytes)) bytes += found[to++]?.bytes ?? 0;
    rows.push(...readArrays(statements, sql, [JSON.stringify(found.slice(from, to).map((each) => each.key))]));
    from = to;
    yield;
  }
  return rows;
}

function readArrays(statements: StatementCache, sql: string, values: readonly (string | number)[]): unknown[][] {
  return statements.arrays(sql).all(...values) as unknown as unknown[][];
}
