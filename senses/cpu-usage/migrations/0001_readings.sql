create table readings (
  id integer primary key,
  ts integer not null,
  used real not null,
  cores text not null,
  load1 real not null,
  load5 real not null,
  load15 real not null,
  window_ms integer not null
) strict;
create index readings_ts on readings (ts);

create table counters (
  core integer primary key,
  ts integer not null,
  busy_ms integer not null,
  idle_ms integer not null
) strict;
