create table pages (
  url text primary key,
  ts integer not null,
  rules text not null,
  etag text,
  last_modified text,
  hash text,
  pieces text,
  problem text
) strict;

create table changes (
  id integer primary key,
  ts integer not null,
  url text not null,
  hash text not null,
  added text not null,
  removed text not null
) strict;
create index changes_ts on changes (ts);
