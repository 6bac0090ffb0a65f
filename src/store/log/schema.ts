/**
 * The tables of data/logs.db, as an append-only list of migrations. A released entry is never edited: a change is a new
 * entry. Run by store.ts. `workflow_runs_move` has the legal moves of workflow/transitions.ts; a test compares them.
 * I1. A log row never changes, and can be deleted only when `meta.archived_up_to` (milliseconds) has passed its time.
 * I2. The newest row is never deleted: ids continue from it, so that no id is assigned twice.
 * I3. A run makes only legal moves, whatever requests them; once it has ended it never changes.
 * I4. `run_waits` has rows of waiting runs only: what each waits for. A run continues only with what settles its wait.
 * I5. A request of `approvals` is decided once, in a transaction that moves its run on, unless it is about agents.
 * I6. An event of `run_events` settles at most one wait; its payload stays until then, or until its run ends.
 * I7. A paused run continues only from where it was.
 * I8. `run_children` has what a run waits for in a round: the request for each child stays until the wait is over.
 * I9. `planned_starts` has rows of queued and paused runs only.
 * I10. `run_begun` has the role that runs once and has begun. The next begins after its message or a decision on it.
 * I11. `run_closings` has every ended run whose `finally` has no result yet, if its workflow has one or may have one.
 */
import { chainMarksMigration, chainMigration } from "./chain_schema.ts";
import { childrenMigration } from "./children_schema.ts";
import { closingsMigration } from "./closings_schema.ts";
import { countsMigration } from "./counts_schema.ts";
import { effectsMigration } from "./effects_schema.ts";
import { hookKeysMigration, hooksMigration } from "./hooks_schema.ts";
import { noticesTable } from "./notices_schema.ts";
import { plannedMigration } from "./planned_schema.ts";
import { reportsMigration } from "./reports_schema.ts";
import { agentMigrations } from "./sessions_schema.ts";
import { tokensMigration } from "./tokens_schema.ts";

export const logMigrations: readonly string[] = [
  `
create table logs (
  id integer primary key,
  ts integer not null,
  source text not null,
  type text not null,
  ref_id text,
  cause_id integer,
  payload text not null
) strict;
create index logs_ref on logs (ref_id, type);
create index logs_type on logs (type);
create index logs_source on logs (source);
create index logs_ts on logs (ts);

create table meta (key text primary key, value text not null) strict, without rowid;

create trigger logs_never_change before update on logs
begin select raise(abort, 'a row of the log never changes'); end;

create trigger logs_stay before delete on logs
when old.ts >= coalesce((select cast(value as integer) from meta where key = 'archived_up_to'), old.ts)
  or old.id = (select max(id) from logs)
begin select raise(abort, 'a row of the log stays until it is archived'); end;

create table workflow_runs (
  seq integer primary key,
  run_id text not null unique,
  workflow text not null,
  status text not null,
  exit_code integer,
  attempt integer not null,
  rounds integer not null,
  max_rounds integer not null,
  prompt text not null,
  payload text not null,
  trigger text not null,
  cause_id integer,
  reason text,
  queued_at integer not null,
  started_at integer,
  ended_at integer
) strict;
create index workflow_runs_workflow on workflow_runs (workflow);
create index workflow_runs_status on workflow_runs (status);

create trigger workflow_runs_first before insert on workflow_runs
when new.status not in ('queued', 'started', 'dropped')
begin select raise(abort, 'a run begins as queued, started or dropped'); end;

create trigger workflow_runs_move before update on workflow_runs
when not case old.status
  when 'queued' then new.status in ('started', 'killed', 'interrupted', 'dropped')
  when 'started' then new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted')
    or (new.status = 'started' and new.attempt = old.attempt + 1 and new.rounds = old.rounds)
    or (new.status = 'started' and new.attempt = old.attempt and new.rounds = old.rounds + 1)
  else false end
begin select raise(abort, 'an illegal move of a run'); end;

create trigger workflow_runs_identity before update of
  seq, run_id, workflow, max_rounds, prompt, payload, trigger, cause_id, queued_at on workflow_runs
begin select raise(abort, 'what a run was asked for never changes'); end;
`,
  `
drop trigger workflow_runs_move;
create trigger workflow_runs_move before update on workflow_runs
when not case old.status
  when 'queued' then new.status in ('started', 'killed', 'interrupted', 'dropped')
  when 'started' then new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted')
    or (new.status = 'started' and new.attempt = old.attempt + 1 and new.rounds = old.rounds)
    or (new.status = 'started' and new.attempt = old.attempt and new.rounds = old.rounds + 1)
    or (new.status = 'waiting' and new.attempt = old.attempt and new.rounds = old.rounds)
  when 'waiting' then new.status in ('killed', 'interrupted')
    or (new.status = 'started' and new.attempt = old.attempt + 1 and new.rounds = old.rounds + 1)
  else false end
begin select raise(abort, 'an illegal move of a run'); end;

create index workflow_runs_waiting on workflow_runs (workflow) where status = 'waiting';

create table run_waits (
  run_id text primary key,
  round integer not null,
  role text not null,
  kind text not null,
  since text not null,
  due integer,
  boot_id text,
  boot_due integer
) strict, without rowid;
create index run_waits_due on run_waits (due) where due is not null;
create index run_waits_boot_due on run_waits (boot_id, boot_due) where boot_due is not null;

create trigger run_waits_first before insert on run_waits
when not exists (
  select 1 from workflow_runs where run_id = new.run_id and status = 'waiting' and rounds = new.round - 1
)
begin select raise(abort, 'only a waiting run has a wait, for its next round'); end;

create trigger run_waits_never_change before update on run_waits
begin select raise(abort, 'a wait never changes'); end;

create trigger run_waits_end after update of status on workflow_runs
when old.status = 'waiting' and new.status <> 'waiting'
begin delete from run_waits where run_id = new.run_id; end;
`,
  `
create table approvals (
  seq integer primary key,
  id text not null unique,
  run_id text not null,
  workflow text not null,
  round integer not null,
  role text not null,
  gate_key text not null,
  kind text not null,
  title text not null,
  body text not null,
  options text not null,
  digest text not null,
  state text not null,
  open integer not null,
  created integer not null,
  expires integer,
  on_expiry text,
  decision text,
  by text,
  how text,
  token text,
  comment text,
  decided integer
) strict;
create unique index approvals_run on approvals (run_id, round);
create index approvals_gate on approvals (run_id, gate_key);
create index approvals_open on approvals (seq) where open = 1;

create trigger approvals_first before insert on approvals
when new.state <> 'pending' or new.open <> 1 or not exists (
  select 1 from workflow_runs where run_id = new.run_id and status = 'waiting' and rounds = new.round - 1
)
begin select raise(abort, 'a request begins as pending, of a run that waits'); end;

create trigger approvals_move before update on approvals
when old.state <> 'pending' or old.open <> 1 or new.open <> 0
  or (new.state <> 'pending' and not exists (
    select 1 from workflow_runs where run_id = new.run_id and status = 'started' and rounds = new.round
  ))
begin select raise(abort, 'a request is decided once, with the move of its run'); end;

create trigger approvals_identity before update of
  seq, id, run_id, workflow, round, role, gate_key, kind, title, body, options, digest, created, expires, on_expiry
  on approvals
begin select raise(abort, 'what a request asks never changes'); end;

create trigger approvals_close after update of status on workflow_runs
when new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted', 'dropped')
begin update approvals set open = 0 where run_id = new.run_id and open = 1; end;
`,
  `
alter table run_waits add column event text;

create table run_events (
  seq integer primary key,
  run_id text not null,
  name text not null,
  key text not null,
  payload text,
  digest text not null,
  bytes integer not null,
  received integer not null,
  taken integer,
  unique (run_id, key)
) strict;
create index run_events_kept on run_events (run_id, name) where payload is not null;

create trigger run_events_move before update on run_events
when old.payload is null or new.payload is not null
  or new.run_id <> old.run_id or new.name <> old.name or new.key <> old.key or new.digest <> old.digest
  or (new.taken is not null and not exists (
    select 1 from workflow_runs where run_id = new.run_id and status = 'started' and rounds = new.taken
  ))
begin select raise(abort, 'an event is taken once, with the move of its run'); end;

create trigger run_events_close after update of status on workflow_runs
when new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted', 'dropped')
begin update run_events set payload = null where run_id = new.run_id and payload is not null; end;
`,
  `
create table alert_states (
  alert text not null,
  key text not null,
  state text not null,
  primary key (alert, key)
) strict, without rowid;
`,
  `
create table run_pauses (
  run_id text primary key,
  paused_from text not null,
  since integer not null,
  reason text,
  wait text
) strict, without rowid;

drop trigger workflow_runs_move;
create trigger workflow_runs_move before update on workflow_runs
when not case old.status
  when 'queued' then new.status in ('started', 'killed', 'interrupted', 'dropped')
    or (new.status = 'paused' and new.attempt = old.attempt and new.rounds = old.rounds)
  when 'started' then new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted')
    or (new.status = 'started' and new.attempt = old.attempt + 1 and new.rounds = old.rounds)
    or (new.status = 'started' and new.attempt = old.attempt and new.rounds = old.rounds + 1)
    or (new.status in ('waiting', 'paused') and new.attempt = old.attempt and new.rounds = old.rounds)
  when 'waiting' then new.status in ('killed', 'interrupted')
    or (new.status = 'started' and new.attempt = old.attempt + 1 and new.rounds = old.rounds + 1)
    or (new.status = 'paused' and new.attempt = old.attempt and new.rounds = old.rounds)
  when 'paused' then new.status in ('killed', 'interrupted')
    or (new.rounds = old.rounds and new.attempt = old.attempt + (new.status = 'started')
      and new.status = (select paused_from from run_pauses where run_id = old.run_id))
  else false end
begin select raise(abort, 'an illegal move of a run'); end;

create trigger run_pauses_first before insert on run_pauses
when new.paused_from not in ('queued', 'started', 'waiting')
  or not exists (select 1 from workflow_runs where run_id = new.run_id and status = 'paused')
begin select raise(abort, 'only a paused run has a pause'); end;

create trigger run_pauses_never_change before update on run_pauses
begin select raise(abort, 'a pause never changes'); end;

create trigger run_pauses_end after update of status on workflow_runs
when old.status = 'paused' and new.status <> 'paused'
begin delete from run_pauses where run_id = new.run_id; end;
`,
  `
alter table approvals add column approvers text;
alter table approvals add column signed_by text;
alter table approvals add column signature text;

drop trigger approvals_identity;
create trigger approvals_identity before update of
  seq, id, run_id, workflow, round, role, gate_key, kind, title, body, options, digest, created, expires, on_expiry,
  approvers
  on approvals
begin select raise(abort, 'what a request asks never changes'); end;

create index approvals_expired on approvals (decided) where state = 'expired';

${noticesTable}`,
  childrenMigration,
  plannedMigration,
  effectsMigration,
  closingsMigration,
  hooksMigration,
  tokensMigration,
  chainMigration,
  ...agentMigrations,
  reportsMigration,
  chainMarksMigration,
  countsMigration,
  hookKeysMigration,
];
