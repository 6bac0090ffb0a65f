-- A file system over the network may tell more bytes than 2^63, which is no integer of SQLite.
create table readings_large (
  id integer primary key,
  ts integer not null,
  path text not null,
  filesystem text not null,
  mount text not null,
  used real not null,
  total_bytes real not null,
  used_bytes real not null,
  available_bytes real not null
) strict;
insert into readings_large select * from readings;
drop table readings;
alter table readings_large rename to readings;
create index readings_ts on readings (ts);
