create table checks (
  id integer primary key,
  ts integer not null,
  folder text not null,
  ok integer not null,
  files integer not null,
  total_bytes real not null,
  unnamed integer not null,
  problems text not null
) strict;
create index checks_ts on checks (ts);

create table folders (
  folder text primary key,
  ts integer not null
) strict;

create table files (
  folder text not null,
  path text not null,
  bytes real not null,
  modified_ms real not null,
  inode real,
  since_ms integer not null,
  told integer not null,
  told_before integer not null,
  primary key (folder, path)
) strict, without rowid;
