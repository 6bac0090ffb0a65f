create table places (
  file text primary key,
  ts integer not null,
  identity text not null,
  "offset" integer not null,
  mark text not null
) strict;
create table counts (
  id integer primary key,
  ts integer not null,
  file text not null,
  lines integer not null,
  matched integer not null,
  patterns text not null
) strict;
create index counts_ts on counts (ts);
