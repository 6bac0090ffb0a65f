/**
 * Indexes for the sessions of agents that the kernel counts and lists on its own thread: a migration of schema.ts. Without
 * them every session that has ended is read to find those that have not.
 */
export const countsMigration = `
create index agent_sessions_run on agent_sessions (run_id);
create index agent_sessions_live on agent_sessions (seq) where state <> 'ENDED';
`;
