create table checks (
  id integer primary key,
  ts integer not null,
  ok integer not null,
  problems text not null
) strict;
create index checks_ts on checks (ts);

create table readings (
  id integer primary key,
  ts integer not null,
  name text not null,
  up integer,
  received_bytes real not null,
  sent_bytes real not null,
  received_packets real not null,
  sent_packets real not null,
  errors real not null,
  drops real not null
) strict;
create index readings_ts on readings (ts);

create table counters (
  name text primary key,
  ts integer not null,
  uptime_ms integer not null,
  interface_index integer,
  received_bytes real not null,
  received_packets real not null,
  received_errors real not null,
  received_drops real not null,
  sent_bytes real not null,
  sent_packets real not null,
  sent_errors real not null,
  sent_drops real not null
) strict;
