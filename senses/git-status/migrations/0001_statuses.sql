create table statuses (
  id integer primary key,
  ts integer not null,
  path text not null,
  branch text,
  dirty integer not null,
  ahead integer,
  behind integer,
  status text not null
) strict;
create index statuses_ts on statuses (ts);
