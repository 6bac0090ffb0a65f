-- Users and passwords of addresses do not belong here. Where a feed is known without them already, that one stays.
create temporary table named as
select url as old, substr(url, 1, instr(url, '://') + 2) || substr(url, instr(url, '@') + 1) as new from feeds
where instr(url, '@') > 0
  and instr(substr(url, instr(url, '://') + 3) || '/', '/') > instr(substr(url, instr(url, '://') + 3), '@');
update or ignore feeds set url = (select new from named where old = url) where url in (select old from named);
update or ignore entries set feed = (select new from named where old = feed) where feed in (select old from named);
delete from feeds where url in (select old from named);
delete from entries where feed in (select old from named);
drop table named;
