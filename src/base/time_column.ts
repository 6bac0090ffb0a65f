/** Which columns of a sense's database hold times: SQLite has no type for them, so the name says it. */

const timeName = /(?:^|_)(?:ts|at|time|timestamp|date|since|until|expires)$|[a-z](?:At|Time|Ts|Since|Until)$/;

export function isTimeColumn(name: string): boolean {
  return timeName.test(name);
}

/** A time fits when its number of milliseconds or seconds lies between 2000 and 2100. */
export const timeFromMs: number = Date.UTC(2000, 0, 1);
export const timeToMs: number = Date.UTC(2100, 0, 1);
