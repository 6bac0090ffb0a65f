create table answers (
  id integer primary key,
  ts integer not null,
  record text not null,
  answer text,
  latency_ms integer,
  problem text
) strict;
create index answers_ts on answers (ts);
create index answers_record on answers (record, id);
