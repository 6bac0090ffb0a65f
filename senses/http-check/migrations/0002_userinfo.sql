-- Users and passwords of addresses do not belong here.
update checks set url = substr(url, 1, instr(url, '://') + 2) || substr(url, instr(url, '@') + 1)
where instr(url, '@') > 0
  and instr(substr(url, instr(url, '://') + 3) || '/', '/') > instr(substr(url, instr(url, '://') + 3), '@');
