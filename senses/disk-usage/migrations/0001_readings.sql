create table readings (
  id integer primary key,
  ts integer not null,
  path text not null,
  filesystem text not null,
  mount text not null,
  used real not null,
  total_bytes integer not null,
  used_bytes integer not null,
  available_bytes integer not null
) strict;
create index readings_ts on readings (ts);
