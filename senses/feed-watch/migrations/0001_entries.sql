create table feeds (
  url text primary key,
  ts integer not null,
  read_at integer,
  etag text,
  last_modified text,
  problem text
) strict;
create table entries (
  feed text not null,
  key text not null,
  title text not null,
  link text,
  first_seen_at integer not null,
  seen_at integer not null,
  primary key (feed, key)
) strict, without rowid;
create index entries_seen_at on entries (seen_at);
create index entries_feed_seen_at on entries (feed, seen_at);
