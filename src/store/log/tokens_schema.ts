/** Tokens and sessions of the listener: a migration of schema.ts. Only the hash of a secret is kept. */

export const tokensMigration = `
create table access_tokens (
  id text primary key,
  kind text not null,
  name text not null,
  scope text not null,
  hash text not null,
  created integer not null,
  expires integer,
  used integer,
  revoked integer
) strict, without rowid;

create trigger access_tokens_identity before update of id, kind, name, scope, hash, created, expires on access_tokens
begin select raise(abort, 'a token never changes'); end;

create trigger access_tokens_end before update of revoked on access_tokens when old.revoked is not null
begin select raise(abort, 'a token is revoked once'); end;
`;
