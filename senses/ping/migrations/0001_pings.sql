create table pings (
  id integer primary key,
  ts integer not null,
  host text not null,
  address text,
  sent integer not null,
  received integer not null,
  duplicates integer not null,
  latency_ms real,
  problem text
) strict;
create index pings_ts on pings (ts);
