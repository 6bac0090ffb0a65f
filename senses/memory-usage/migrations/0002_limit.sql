-- The limit of the container, where it is less than the machine's memory.
alter table readings add column limit_bytes integer;
