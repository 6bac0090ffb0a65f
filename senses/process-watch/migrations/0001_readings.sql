create table readings (
  id integer primary key,
  ts integer not null,
  program text not null,
  ok integer not null,
  count integer not null,
  memory_bytes integer not null,
  restarted integer not null,
  pids text not null,
  problems text not null
) strict;
create index readings_ts on readings (ts);
create index readings_program on readings (program, id);
