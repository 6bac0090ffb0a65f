create table readings (
  id integer primary key,
  ts integer not null,
  used real not null,
  total_bytes integer not null,
  available_bytes integer not null,
  swap_total_bytes integer not null,
  swap_free_bytes integer not null
) strict;
create index readings_ts on readings (ts);
