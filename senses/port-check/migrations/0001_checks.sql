create table checks (
  id integer primary key,
  ts integer not null,
  address text not null,
  open integer not null,
  latency_ms integer,
  problem text
) strict;
create index checks_ts on checks (ts);
create index checks_address on checks (address, id);
