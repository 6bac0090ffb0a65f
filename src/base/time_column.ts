/** Recognizes the columns of a sense's database that hold times: SQLite has no type for them, so the name decides. */

const timeName = /(?:^|_)(?:ts|at|time|timestamp|date|since|until|expires)$|[a-z](?:At|Time|Ts|Since|Until)$/;

export function isTimeColumn(name: string): boolean {
  return timeName.test(name);
}

/** A number counts as a time when, in milliseconds or seconds, it lies between the years 2000 and 2100. */
export const timeFromMs: number = Date.UTC(2000, 0, 1);
export const timeToMs: number = Date.UTC(2100, 0, 1);
