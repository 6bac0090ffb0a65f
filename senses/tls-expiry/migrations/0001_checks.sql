create table checks (
  id integer primary key,
  ts integer not null,
  server text not null,
  ends_at integer,
  days_left integer,
  problem text
) strict;
create index checks_ts on checks (ts);
create index checks_server on checks (server, id);
