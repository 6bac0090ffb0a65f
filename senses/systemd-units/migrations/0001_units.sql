create table checks (
  id integer primary key,
  ts integer not null,
  count integer not null,
  problems integer not null
) strict;
create index checks_ts on checks (ts);
create table units (
  id integer primary key,
  ts integer not null,
  unit text not null,
  state text not null,
  since text not null,
  restarts integer not null,
  problem text
) strict;
create index units_ts on units (ts);
create index units_unit on units (unit, id);
