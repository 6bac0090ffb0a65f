create table disks (
  id integer primary key,
  ts integer not null,
  disk text not null,
  serial text,
  standby integer not null,
  healthy integer,
  reallocated integer,
  pending integer,
  uncorrectable integer,
  wear integer,
  celsius integer,
  problem text
) strict;
create index disks_ts on disks (ts);
