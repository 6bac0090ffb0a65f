/** Which runs have a report: a migration of schema.ts. What it says is in their `run.closed` rows. */
export const reportsMigration = `
create table run_reports (run_id text primary key) strict, without rowid;
`;
