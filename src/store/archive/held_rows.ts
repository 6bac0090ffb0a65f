/**
 * The rows that an archive run leaves in the log, because they are still needed there: those of unfinished runs, of
 * ended runs whose `finally` is still to run, of runs whose results another run waits for, and signals that a listener
 * has not processed. Used by archiver.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import { closingRuns } from "../runs/closing_sql.ts";
import { neededChildren } from "../runs/child_sql.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** Whether a row of `logs` stays: 1 or 0. */
export const isHeld = `coalesce(ref_id in (select id from held) or
type in ('sense.signal', 'hook.delivery') and id > (select heard_id from unheard where unheard.source = logs.source), 0)`;

/**
 * The last signal or delivery of each sense and hook that all its listeners have processed (sensing/signal_inbox.ts,
 * alerts/changes.ts).
 */
const heardByAll = `
select case when place.key like 'hook:%' then place.key else 'sense:' || place.key end, min(place.value) from (
  select place.key, place.value from meta, json_each(meta.value) as place
  where meta.key >= 'heard:' and meta.key < 'heard;'
  union all
  select sense.key, (select cast(value as integer) from meta where key = 'alerts_heard')
  from meta, json_each(meta.value) as sense where meta.key = 'alerts_senses'
) as place group by place.key`;

/** Creates the temporary tables that `isHeld` reads. */
export function createHeld(db: DatabaseSync): void {
  db.exec(`
create temp table held (id text primary key) without rowid;
create temp table unheard (source text primary key, heard_id integer) without rowid`);
}

/** Fills these tables with what is needed now. */
export function refreshHeld(db: DatabaseSync): void {
  db.exec(`
delete from held;
insert into held select run_id from workflow_runs where status in ('queued', 'started', 'waiting', 'paused');
insert or ignore into held ${neededChildren};
insert or ignore into held ${closingRuns};
delete from unheard; insert into unheard ${heardByAll}`);
}

export function isAnyHeld(statements: StatementCache): boolean {
  return statements.get("select 1 from held union all select 1 from unheard limit 1").get() !== undefined;
}
