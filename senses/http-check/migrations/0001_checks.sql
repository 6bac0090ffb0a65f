create table checks (
  id integer primary key,
  ts integer not null,
  url text not null,
  ok integer not null,
  status integer,
  latency_ms integer,
  certificate_days_left integer,
  problems text not null
) strict;
create index checks_ts on checks (ts);
