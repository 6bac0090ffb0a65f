/**
 * Indexes for the sessions of agents that the kernel counts and lists on its own thread: a migration of schema.ts.
 * Without them, every ended session is read to find the others.
 */
export const countsMigration = `
create index agent_sessions_run on agent_sessions (run_id);
create index agent_sessions_live on agent_sessions (seq) where state <> 'ENDED';
`;
