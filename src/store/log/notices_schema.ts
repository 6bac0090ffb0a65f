/** The notices of open requests: a part of a migration of schema.ts. */
export const noticesTable = `create table approval_notices (
  seq integer primary key,
  told integer not null,
  told_at integer
) strict;
create index approval_notices_told on approval_notices (told_at);
insert into approval_notices select seq, 0, null from approvals where open = 1;

create trigger approval_notices_begin after insert on approvals
begin insert into approval_notices values (new.seq, 0, null); end;

create trigger approval_notices_end after update of open on approvals when new.open = 0
begin delete from approval_notices where seq = new.seq; end;

create trigger approval_notices_drop after delete on approvals
begin delete from approval_notices where seq = old.seq; end;
`;
