create table readings (
  id integer primary key,
  ts integer not null,
  sensor text not null,
  celsius real,
  problem text
) strict;
create index readings_ts on readings (ts);
