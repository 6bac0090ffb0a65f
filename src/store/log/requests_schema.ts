/**
 * The kernel's requests about a run's agents, besides the run's waits: a migration of schema.ts. Such a request belongs
 * to no round, and its decision does not itself move a run. A session may be lost again when it is tried again.
 */
export const requestsMigration = `
drop index approvals_one;
create unique index approvals_one on approvals (run_id) where open = 1 and kind in ('gate', 'recovery');
create unique index approvals_of_session on approvals (run_id) where open = 1 and kind = 'session';

drop trigger approvals_first;
create trigger approvals_first before insert on approvals
when new.state <> 'pending' or new.open <> 1 or not exists (
  select 1 from workflow_runs where run_id = new.run_id and rounds = new.round - 1 and case
    when new.kind in ('gate', 'recovery') then status = 'waiting'
    else status in ('queued', 'started', 'waiting', 'paused')
  end
)
begin select raise(abort, 'a request begins as pending, of a run that waits or asks about its agents'); end;

drop trigger approvals_move;
create trigger approvals_move before update on approvals
when old.state <> 'pending' or new.open <> 0 or not case
  when new.kind not in ('gate', 'recovery') then old.open = 1
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

drop trigger agent_sessions_move;
create trigger agent_sessions_move before update on agent_sessions
when not case old.state
  when 'CREATED' then new.state in ('READY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'READY' then new.state in ('BUSY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'BUSY' then new.state in ('READY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'FAILED_NEEDS_HUMAN' then new.state in ('READY', 'ENDED')
    or (new.state = old.state and new.recovery_attempts = old.recovery_attempts + 1)
  else false end
begin select raise(abort, 'an illegal move of a session'); end;
`;
