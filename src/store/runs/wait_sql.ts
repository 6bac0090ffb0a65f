/**
 * The SQL for `run_waits`: what each waiting run waits for. Used by run_store.ts and rebuild.ts, over any connection. A
 * trigger of the schema removes the row when the run leaves its wait.
 */
import type { BootTime } from "../../base/boot_time.ts";
import type { Moment } from "../../base/moment.ts";
import type { RunWait, Settlement, WaitingRun, WaitKind } from "../../protocol/run_wait.ts";
import { valuesOfOpen, whereOpen } from "../approvals/approval_sql.ts";
import type { Step, Value } from "../commit/operations.ts";
import { whereChildrenEnded } from "./child_sql.ts";
import { whereKept } from "./event_sql.ts";
import type { StatementCache } from "../sqlite/database.ts";

const waitColumns = "run_id, round, role, kind, since, due, boot_id, boot_due, event";

type WaitRow = [
  runId: string,
  round: number,
  role: string,
  kind: WaitKind,
  since: string,
  due: number | null,
  bootId: string | null,
  bootDue: number | null,
  event: string | null,
];

function toWaitingRun(row: unknown): WaitingRun {
  const [runId, round, role, kind, since, due, bootId, bootDue, event] = row as WaitRow;
  const dueBoot = bootId === null || bootDue === null ? null : { id: bootId, ms: bootDue };
  return { runId, wait: { round, role, kind, since: JSON.parse(since) as Moment, due, dueBoot, event } };
}

/** The wait of a run that has just become `waiting`. */
export function insertWait(runId: string, { round, role, kind, since, due, dueBoot, event = null }: RunWait): Step {
  return {
    sql: `insert into run_waits (${waitColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    values: [runId, round, role, kind, JSON.stringify(since), due, dueBoot?.id ?? null, dueBoot?.ms ?? null, event],
  };
}

/**
 * Settles the wait of a run with message number `round`; the run continues in its next attempt. With a decision or an
 * event: only if that can be made or taken; with children: only if all have ended.
 */
export function settleWait(runId: string, round: number, by: Settlement = {}): Step {
  const [where, values] = guardOf(runId, round, by);
  return {
    sql: `
update workflow_runs set status = 'started', attempt = attempt + 1, rounds = rounds + 1, reason = null
where run_id = ? and status = 'waiting' and rounds = ?${where}`,
    values: [runId, round - 1, ...values],
  };
}

function guardOf(runId: string, round: number, { decision, event, children }: Settlement): [string, Value[]] {
  if (decision !== undefined) return [whereOpen, valuesOfOpen(decision)];
  if (event !== undefined) return [whereKept, [runId, event]];
  return children === true ? [whereChildrenEnded, [runId, round]] : ["", []];
}

export function readWait(statements: StatementCache, runId: string): RunWait | null {
  const row = statements.arrays(`select ${waitColumns} from run_waits where run_id = ?`).get(runId);
  return row === undefined ? null : toWaitingRun(row).wait;
}

/** When the next waits are due: by the wall clock, and in the time since this boot. */
export interface NextDue {
  readonly wall: number | null;
  readonly bootMs: number | null;
}

export function readNextDue(statements: StatementCache, boot: BootTime | null): NextDue {
  const first = (sql: string, ...values: string[]) => {
    const row = statements.arrays(sql).get(...values) as unknown as [number] | undefined;
    return row?.[0] ?? null;
  };
  const wall = first("select due from run_waits where due is not null order by due limit 1");
  if (boot === null) return { wall, bootMs: null };
  const sql = "select boot_due from run_waits where boot_id = ? and boot_due is not null order by boot_due limit 1";
  return { wall, bootMs: first(sql, boot.id) };
}

/** Waits that are due by either clock, in the order in which they were due; at most `limit`. */
export function listDueWaits(
  statements: StatementCache,
  now: number,
  boot: BootTime | null,
  limit: number,
): WaitingRun[] {
  const due = `select ${waitColumns} from run_waits where due <= ? order by due, run_id limit ?`;
  const byWall = statements.arrays(due).all(now, limit).map(toWaitingRun);
  if (boot === null) return byWall;
  const bootDue =
    `select ${waitColumns} from run_waits where boot_id = ? and boot_due <= ? order by boot_due, run_id limit ?`;
  const byBoot = statements.arrays(bootDue).all(boot.id, boot.ms, limit).map(toWaitingRun);
  const all = new Map([...byWall, ...byBoot].map((each) => [each.runId, each]));
  return [...all.values()].sort((a, b) => (a.wait.due ?? 0) - (b.wait.due ?? 0)).slice(0, limit);
}

/** How many runs of each workflow wait. */
export function countWaiting(statements: StatementCache): Map<string, number> {
  const sql = "select workflow, count(*) from workflow_runs where status = 'waiting' group by workflow";
  return new Map(statements.arrays(sql).all() as unknown as [string, number][]);
}
