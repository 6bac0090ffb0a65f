/** Puts runs that wait into a workspace that has not run yet, with the rows that tell of them. */
import { systemClock } from "../../../src/base/clock.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";

const dayMs = 24 * 3_600_000;

/** `gates` runs g0, g1, ... of the workflow w wait for a decision, and `sleeps` runs s0, s1, ... for a day next year. */
export async function growWaiting(path: string, gates: number, sleeps: number): Promise<void> {
  await openStore(path, systemClock).close();
  using db = openDatabase(path);
  const now = systemClock.now();
  db.exec("begin");
  insertRuns(db, "g", gates, now);
  insertRuns(db, "s", sleeps, now);
  const wait = (kind: string, due: string) =>
    `insert into run_waits (run_id, round, role, kind, since, due)
     select run_id, 1, 'ask', '${kind}', '{"wall":${now},"boot":null}', ${due} from workflow_runs`;
  db.exec(`${wait("gate", "null")} where run_id like 'g%'`);
  db.exec(`${wait("sleep", `${now + 365 * dayMs} + seq * 1000`)} where run_id like 's%'`);
  db.exec(`
insert into approvals (id, run_id, workflow, round, role, gate_key, kind, title, body, options, digest, state, open, created)
select run_id || ':ask::1', run_id, 'w', 1, 'ask', 'ask', 'gate', 'Go?', 'The plan of ' || run_id,
  '["approve","reject"]', 'digest of ' || run_id, 'pending', 1, ${now}
from workflow_runs where run_id like 'g%'`);
  for (const type of ["run.started", "run.waiting"]) {
    db.exec(`
insert into logs (id, ts, source, type, ref_id, cause_id, payload)
select coalesce((select max(id) from logs), 0) + seq, ${now}, 'workflow:w', '${type}', run_id, null,
  '{"attempt":1,"reason":"role ask waits for a decision"}' from workflow_runs`);
  }
  db.exec("commit");
}

function insertRuns(db: { exec(sql: string): void }, prefix: string, count: number, now: number): void {
  db.exec(`
with recursive n(i) as (select 0 where ${count} > 0 union all select i + 1 from n where i + 1 < ${count})
insert into workflow_runs (run_id, workflow, status, attempt, rounds, max_rounds, prompt, payload, trigger, queued_at, started_at)
select '${prefix}' || i, 'w', 'started', 1, 0, 100, '', '{}', '{"kind":"manual"}', ${now}, ${now} from n`);
  db.exec(`update workflow_runs set status = 'waiting', reason = 'waits' where status = 'started'`);
}
