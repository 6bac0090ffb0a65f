create table answers (
  id integer primary key,
  ts integer not null,
  key text not null,
  hash text,
  ok integer not null,
  value real,
  rows integer,
  problems text not null
) strict;
create index answers_ts on answers (ts);
create index answers_key on answers (key, id);
