/** The keys of accepted deliveries: migrations of schema.ts. */
import { assert } from "../../base/errors.ts";
import { hookDedupMax } from "../../base/hook_limits.ts";

export const hooksMigration = `
create table hook_keys (
  key text primary key,
  log_id integer not null,
  ts integer not null
) strict, without rowid;
create index hook_keys_ts on hook_keys (ts);
`;

/** The first key of the delivery whose row has id N has the id N * 4. */
export const keysOfRow = 4;
assert(hookDedupMax <= keysOfRow, "each key of a delivery has an id of its own");

/** Stores the keys in the order in which they came; store/hooks/delivery_key_index.ts finds them. */
export const hookKeysMigration = `
alter table hook_keys rename to hook_keys_by_text;
create table hook_keys (id integer primary key, key text not null, ts integer not null) strict;
insert into hook_keys
  select log_id * ${keysOfRow} + row_number() over (partition by log_id order by key) - 1, key, ts
  from hook_keys_by_text order by 1;
drop table hook_keys_by_text;
`;
