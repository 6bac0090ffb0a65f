/**
 * The SQL for `run_events`: the events that were sent to runs. Used by run_store.ts and rebuild.ts, over any
 * connection.
 * I1. A run keeps at most `keptEventsMax` events that no wait has taken, of at most `keptEventsMaxBytes` together, and
 *     besides them the one that it waits for: unwanted events cannot shut it out.
 */
import { keptEventsMax, keptEventsMaxBytes } from "../../base/wait_limits.ts";
import type { Json } from "../../protocol/json.ts";
import type { KeptEvent, NewRunEvent, StoredRunEvent } from "../../protocol/run_wait.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

const unfinished =
  "select 1 from workflow_runs where run_id = ? and status in ('queued', 'started', 'waiting', 'paused')";
const isKept = "run_id = ? and payload is not null";

const hasRoom = `(select count(*) from run_events where ${isKept}) < ${keptEventsMax}` +
  ` and (select coalesce(sum(bytes), 0) from run_events where ${isKept}) + ? <= ${keptEventsMaxBytes}`;
const isAwaited = "exists (select 1 from run_waits where run_id = ? and event = ?)" +
  ` and not exists (select 1 from run_events where ${isKept} and name = ?)`;

/** Changes nothing when the key is known, the run has ended, or it keeps too much already. */
export function insertEvent(runId: string, { name, key, payload, digest, received }: NewRunEvent): Step {
  const text = JSON.stringify(payload), bytes = new TextEncoder().encode(text).length;
  return {
    sql: "insert into run_events (run_id, name, key, payload, digest, bytes, received) select ?, ?, ?, ?, ?, ?, ?" +
      ` where exists (${unfinished}) and (${hasRoom} or ${isAwaited}) on conflict (run_id, key) do nothing`,
    values: [
      ...[runId, name, key, text, digest, bytes, received],
      ...[runId, runId, runId, bytes, runId, name, runId, name],
    ],
  };
}

/** Like `insertEvent`, for a row of the log, which was accepted when it was written. */
export function insertLoggedEvent(runId: string, { name, key, payload, digest, received }: NewRunEvent): Step {
  const text = JSON.stringify(payload), bytes = new TextEncoder().encode(text).length;
  return {
    sql: "insert into run_events (run_id, name, key, payload, digest, bytes, received) values (?, ?, ?, ?, ?, ?, ?)",
    values: [runId, name, key, text, digest, bytes, received],
  };
}

/** A condition for the statement that moves the run: the event is kept. */
export const whereKept = " and exists (select 1 from run_events where run_id = ? and key = ? and payload is not null)";

/** The wait of `round` takes the event; its payload is in the message. */
export function takeEvent(runId: string, key: string, round: number): Step {
  return {
    sql: "update run_events set taken = ?, payload = null where run_id = ? and key = ?",
    values: [round, runId, key],
  };
}

export function readEvent(statements: StatementCache, runId: string, key: string): StoredRunEvent | null {
  const sql = "select name, key, digest, received, taken from run_events where run_id = ? and key = ?";
  const row = statements.get(sql).get(runId, key);
  if (row === undefined) return null;
  const { name, digest, received, taken } = row;
  const event = { name: String(name), key, received: Number(received), taken: taken === null ? null : Number(taken) };
  return { event, digest: String(digest) };
}

/** The oldest event of that name that no wait has taken. */
export function readKeptEvent(statements: StatementCache, runId: string, name: string): KeptEvent | null {
  const sql = `select key, payload from run_events where ${isKept} and name = ? order by seq limit 1`;
  const row = statements.get(sql).get(runId, name);
  return row === undefined ? null : { key: String(row.key), payload: JSON.parse(String(row.payload)) as Json };
}

/** Runs that wait for an event that they keep, because of a crash in between. At most `limit`. */
export function listDeliverable(statements: StatementCache, limit: number): string[] {
  const sql =
    "select distinct kept.run_id as id from run_events as kept join run_waits on run_waits.run_id = kept.run_id" +
    " and run_waits.event = kept.name where kept.payload is not null limit ?";
  return statements.get(sql).all(limit).map(({ id }) => String(id));
}
