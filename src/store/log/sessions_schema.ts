/**
 * Sessions of agents: a migration of schema.ts. A session makes only legal moves, and a run has at most one session of
 * each name that has not ended.
 */
import { requestsMigration } from "./requests_schema.ts";

const sessionsMigration = `
create table agent_sessions (
  seq integer primary key,
  id text not null unique,
  run_id text not null,
  name text not null,
  workflow text not null,
  agent text not null,
  cwd text not null,
  state text not null,
  conversation text,
  recovery_attempts integer not null,
  created integer not null,
  changed integer not null
) strict;
create unique index agent_sessions_open on agent_sessions (run_id, name) where state <> 'ENDED';

create trigger agent_sessions_first before insert on agent_sessions
when new.state <> 'CREATED' or new.recovery_attempts <> 0
begin select raise(abort, 'a session begins as CREATED'); end;

create trigger agent_sessions_move before update on agent_sessions
when not case old.state
  when 'CREATED' then new.state in ('READY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'READY' then new.state in ('BUSY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'BUSY' then new.state in ('READY', 'ENDED', 'FAILED_NEEDS_HUMAN')
  when 'FAILED_NEEDS_HUMAN' then new.state in ('READY', 'ENDED')
  else false end
begin select raise(abort, 'an illegal move of a session'); end;

create trigger agent_sessions_identity before update of
  seq, id, run_id, name, workflow, agent, cwd, created on agent_sessions
begin select raise(abort, 'what a session is never changes'); end;
`;

/** The migrations for agents, in this order. */
export const agentMigrations: readonly string[] = [sessionsMigration, requestsMigration];
