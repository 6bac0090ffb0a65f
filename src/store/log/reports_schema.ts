/** The runs that have a report: a migration of schema.ts. The reports are in their `run.closed` rows. */
export const reportsMigration = `
create table run_reports (run_id text primary key) strict, without rowid;
`;
