/** The keys of deliveries that were taken in: a migration of schema.ts. */

export const hooksMigration = `
create table hook_keys (
  key text primary key,
  log_id integer not null,
  ts integer not null
) strict, without rowid;
create index hook_keys_ts on hook_keys (ts);
`;
