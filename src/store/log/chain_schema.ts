/** The chain of hashes over the rows of the log: a migration of schema.ts. chain.ts writes it. */

export const chainMigration = `
create table log_chain (
  up_to integer primary key,
  hash text not null
) strict;
`;
