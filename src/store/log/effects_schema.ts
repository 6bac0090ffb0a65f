/** The migration of schema.ts for roles that run once: their beginnings, and the decisions of people about them. */
export const effectsMigration = `
create table run_begun (
  run_id text primary key,
  attempt integer not null,
  round integer not null,
  role text not null,
  at integer not null
) strict, without rowid;

create trigger run_begun_first before insert on run_begun
when not exists (
  select 1 from workflow_runs
  where run_id = new.run_id and status = 'started' and attempt = new.attempt and rounds = new.round - 1
)
begin select raise(abort, 'only a started run begins a role, that of its next round'); end;

create trigger run_begun_never_changes before update on run_begun
begin select raise(abort, 'a role that runs once begins once'); end;

create trigger run_begun_ends after update of status, rounds on workflow_runs
when new.rounds <> old.rounds or (old.status = 'waiting' and new.status = 'started')
  or new.status in ('completed', 'failed', 'killed', 'crashed', 'interrupted', 'dropped')
begin delete from run_begun where run_id = new.run_id; end;

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
    or (new.status in ('started', 'failed') and new.rounds = old.rounds
      and new.attempt = old.attempt + (new.status = 'started')
      and exists (select 1 from run_waits where run_id = old.run_id and kind = 'recovery'))
  when 'paused' then new.status in ('killed', 'interrupted')
    or (new.rounds = old.rounds and new.attempt = old.attempt + (new.status = 'started')
      and new.status = (select paused_from from run_pauses where run_id = old.run_id))
  else false end
begin select raise(abort, 'an illegal move of a run'); end;

drop index approvals_run;
create index approvals_run on approvals (run_id, round);
create unique index approvals_one on approvals (run_id) where open = 1;

drop trigger approvals_move;
create trigger approvals_move before update on approvals
when old.state <> 'pending' or new.open <> 0 or not case
  when new.kind = 'recovery' and new.decision = 'fail' then exists (
    select 1 from workflow_runs where run_id = new.run_id and status = 'failed' and rounds = new.round - 1
  )
  when old.open <> 1 then false
  when new.state = 'pending' then true
  else exists (
    select 1 from workflow_runs where run_id = new.run_id and status = 'started'
      and rounds = new.round - (new.kind = 'recovery' and new.decision = 'retry')
  )
  end
begin select raise(abort, 'a request is decided once, with the move of its run'); end;
`;
