/** The runs that a run waits for: a migration of schema.ts, which has the invariants. */

export const childrenMigration = `
create table run_children (
  parent_id text not null,
  round integer not null,
  n integer not null,
  child_id text not null,
  workflow text not null,
  request text,
  refused text,
  primary key (parent_id, round, n)
) strict, without rowid;
create index run_children_open on run_children (parent_id) where request is not null;

create trigger run_children_first before insert on run_children
when not exists (
  select 1 from workflow_runs where run_id = new.parent_id and status = 'waiting' and rounds = new.round - 1
)
begin select raise(abort, 'only a waiting run has children, for its next round'); end;

create trigger run_children_move before update on run_children
when old.request is null or (new.request is not null and (new.request <> old.request or old.refused is not null))
  or (new.request is null and new.refused is not old.refused)
begin select raise(abort, 'a child is refused once, and closed once'); end;

create trigger run_children_identity before update of parent_id, round, n, child_id, workflow on run_children
begin select raise(abort, 'what a run waits for never changes'); end;
`;
