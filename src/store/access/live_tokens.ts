/** Checks whether a log database has a valid token, without a daemon. Used by `nerve validate`. */
import { openDatabase } from "../sqlite/database.ts";
import { ifPresent } from "../../base/if_present.ts";

/** `path`: of data/logs.db. Also false while there is none. */
export function hasLiveToken(path: string, now: number): boolean {
  if (ifPresent(() => Deno.lstatSync(path)) === null) return false;
  const db = openDatabase(path, { readOnly: true });
  try {
    const isThere = db.prepare("select 1 from sqlite_schema where name = 'access_tokens'").get() !== undefined;
    const sql =
      "select 1 from access_tokens where kind = 'token' and revoked is null and (expires is null or expires > ?)";
    return isThere && db.prepare(sql).get(now) !== undefined;
  } finally {
    db.close();
  }
}
