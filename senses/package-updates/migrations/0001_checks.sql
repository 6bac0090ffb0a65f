create table checks (
  id integer primary key,
  ts integer not null,
  ok integer not null,
  updates integer not null,
  security integer not null,
  held integer not null,
  problems text not null
) strict;
create index checks_ts on checks (ts);
