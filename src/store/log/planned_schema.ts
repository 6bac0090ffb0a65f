/** When queued runs may start: a migration of schema.ts. A trigger removes the row when its run starts or ends. */

export const plannedMigration = `
create table planned_starts (
  run_id text primary key,
  starts text not null
) strict, without rowid;

create trigger planned_starts_first before insert on planned_starts
when not exists (select 1 from workflow_runs where run_id = new.run_id and status = 'queued')
begin select raise(abort, 'only a queued run starts later'); end;

create trigger planned_starts_end after update of status on workflow_runs
when old.status in ('queued', 'paused') and new.status not in ('queued', 'paused')
begin delete from planned_starts where run_id = new.run_id; end;
`;
