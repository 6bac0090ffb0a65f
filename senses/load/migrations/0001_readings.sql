create table readings (
  id integer primary key,
  ts integer not null,
  ok integer not null,
  load1 real not null,
  load5 real not null,
  load15 real not null,
  cpus integer not null,
  cpu_pressure real,
  memory_pressure real,
  io_pressure real,
  problems text not null
) strict;
create index readings_ts on readings (ts);
