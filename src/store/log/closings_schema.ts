/**
 * The ended runs that are still to be closed: a migration of schema.ts. A run is added by the commit that ends it,
 * unless its workflow is known to have no `finally`, and leaves with its `run.closed` row. Also the code that paused a
 * run.
 */

export const closingsMigration = `
alter table run_pauses add column code text;
create index run_pauses_code on run_pauses (run_id) where code is not null;

create table workflow_finally (
  workflow text primary key,
  code text not null,
  has integer not null
) strict, without rowid;

create table run_closings (
  seq integer primary key,
  run_id text not null unique,
  workflow text not null
) strict;
create index run_closings_workflow on run_closings (workflow);

create trigger run_closings_first before insert on run_closings
when not exists (
  select 1 from workflow_runs where run_id = new.run_id and workflow = new.workflow
    and status in ('completed', 'failed', 'killed', 'crashed', 'interrupted')
)
begin select raise(abort, 'only a run that has ended is closed'); end;

create trigger run_closings_never_change before update on run_closings
begin select raise(abort, 'a closing never changes'); end;

create trigger run_closings_begin after update of status on workflow_runs
when new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted')
  and not exists (select 1 from workflow_finally where workflow = new.workflow and has = 0)
begin insert into run_closings (run_id, workflow) values (new.run_id, new.workflow) on conflict (run_id) do nothing; end;
`;
