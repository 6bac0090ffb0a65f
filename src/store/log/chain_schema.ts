/** The chain of hashes over the rows of the log: a migration of schema.ts. chain.ts writes it. */

export const chainMigration = `
create table log_chain (
  up_to integer primary key,
  hash text not null
) strict;
`;

/** Where an existing chain begins, and how far it has come. */
export const chainMarksMigration = `
insert into meta select 'chain_from', cast(min(up_to) as text) from log_chain having count(*) > 0;
insert into meta select 'chain_up_to', up_to || ' ' || hash from log_chain order by up_to desc limit 1;
`;
