create table checks (
  id integer primary key,
  ts integer not null,
  count integer not null,
  problems integer not null
) strict;
create index checks_ts on checks (ts);
create table containers (
  id integer primary key,
  ts integer not null,
  name text not null,
  state text not null,
  health text,
  exit_code integer,
  restarts integer not null,
  problem text
) strict;
create index containers_ts on containers (ts);
