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

/** How many runs and messages one step checks one by one, and about how many bytes of items one step reads. */
const windowRuns = 2_048, windowMessages = 16, stepBytes = 256 * 1024;
/** The bytes of a run's texts. The rest is small. */
const runBytes =
  "octet_length(prompt) + octet_length(payload) + octet_length(trigger) + octet_length(coalesce(reason, ''))";

/** A page, newest first; `total` counts every run that passes the filter. */
export function* findRuns(statements: StatementCache, query: RunQuery): Steps<Page<Run> & RunPage> {
  const { workflow, statuses = null } = query, fill = new PageFill<Found>(query);
  const [newest] = readArrays(statements, "select max(seq) from workflow_runs", []) as [[number | null]];
  const before = query.before === undefined ? (newest[0] ?? 0) + 1 : readSeq(statements, query.before);
  let total: number;
  if (workflow === undefined || statuses === null) {
    total = countRuns(statements, workflow, statuses);
    walkRuns(statements, workflow, statuses, before, query.offset, fill);
  } else {
    // If few runs have these statuses, they are checked one by one; otherwise the runs of the workflow are.
    const few = countRuns(statements, undefined, statuses) <= windowRuns;
    const list = few ? listByStatus : listByWorkflow;
    total = yield* fillFrom(list(statements, workflow, statuses), before, query.offset, fill);
  }
  const items = (yield* readFound(statements, fill.items, runColumns, "workflow_runs", "seq", true)).map(toRun);
  return { items, total, more: fill.full };
}

interface Found {
  /** `seq` of a run, or `id` of a message. */
  readonly key: number;
  readonly bytes: number;
}

/** -1, which is below every run, when there is no such run. */
function readSeq(statements: StatementCache, runId: string): number {
  const [row] = readArrays(statements, "select seq from workflow_runs where run_id = ?", [runId]);
  return row === undefined ? -1 : row[0] as number;
}

/** Finds runs, newest first, by an index in this order: one branch for each status, which SQLite merges. */
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

/** The runs of the workflow with these statuses, newest first, from all runs with these statuses: there are few. */
function* listByStatus(
  statements: StatementCache,
  workflow: string,
  statuses: readonly RunStatus[],
): Generator<Found[]> {
  const values = [...new Set(statuses)];
  if (values.length === 0) return;
  const union = values.map(() => `select seq, workflow, ${runBytes} as bytes from workflow_runs where status = ?`);
  const sql = `select seq, bytes from (${union.join(" union all ")} order by seq desc) where workflow = ?`;
  const rows = readArrays(statements, sql, [...values, workflow]) as [number, number][];
  yield rows.map(([key, bytes]) => ({ key, bytes })).sort((a, b) => b.key - a.key);
}

/** Like `listByStatus`, but from the runs of the workflow, in parts. */
function* listByWorkflow(
  statements: StatementCache,
  workflow: string,
  statuses: readonly RunStatus[],
): Generator<Found[]> {
  const sql = "select count(*), min(seq), group_concat(case when status in (select value from json_each(?))" +
    ` then seq || ' ' || bytes end) from (select seq, status, ${runBytes} as bytes from workflow_runs` +
    " where workflow = ? and seq < ? order by seq desc limit ?)";
  for (let below = Number.MAX_SAFE_INTEGER;;) {
    const values = [JSON.stringify(statuses), workflow, below, windowRuns];
    const [row] = readArrays(statements, sql, values) as [[number, number, string | null]],
      [count, last, passing] = row;
    const found = (passing?.split(",") ?? []).map((each) => each.split(" ").map(Number) as [number, number]);
    yield found.map(([key, bytes]) => ({ key, bytes })).sort((a, b) => b.key - a.key);
    if (count < windowRuns) return;
    below = last;
  }
}

/** Fills the page from `before` and `offset` on; returns how many runs there are in all. */
function* fillFrom(path: Iterable<Found[]>, before: number, offset: number, fill: PageFill<Found>): Steps<number> {
  let total = 0, skipped = 0;
  for (const found of path) {
    total += found.length;
    for (const each of found) if (each.key < before && skipped++ >= offset) fill.add(each, each.bytes);
    yield;
  }
  return total;
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

/** Like `StoreReader.messages`, in steps. */
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
    // Some rows may have left for the archive meanwhile.
    if (rows.length < fill.items.length) continue;
    const items = rows.map(([ts, payload]) => toRunMessage(ts as number, JSON.parse(payload as string))).reverse();
    return { items, more: fill.full };
  }
}

/**
 * An id below which all messages before a round are; null when there are none. Rounds are consecutive, so the newest
 * one gives the place of the round in the index. Where that does not hold, it checks every message.
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
