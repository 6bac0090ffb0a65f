/**
 * The chain of hashes over the rows of the log: the hash of a row covers the hash of the row before it. Each commit of
 * commit/operations.ts adds its rows, on whichever thread it runs; maintenance/verify_chain.ts checks them.
 * I1. The chain advances in the transaction that writes the rows.
 * I2. Rows that were not written by a commit of nerve are not added: a check finds them.
 * I3. `log_chain` has the newest hash, and one about every `linkRows` rows, at which a check can begin: it stays small,
 *     whatever leaves the log for the archive. Its first row is the beginning of the chain.
 * I4. `meta` has the beginning and the end of the chain. The end advances only from the link that it names: once links
 *     were deleted, the chain never matches it again.
 */
import { sha256Text } from "../../base/sha256_text.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { logLine } from "./log_sql.ts";

/** Keys in `meta`: the row after which the chain begins, and its newest link, `UP_TO HASH`. */
export const chainFromKey = "chain_from", chainUpToKey = "chain_up_to";

/** The hash before the first row. */
export const noHash = "0".repeat(64);
const linkRows = 1_000;

/** `line`: the row as `logLine` formats it, which is also its line in the archive. */
export function hashRow(before: string, line: string): string {
  return sha256Text(before + line);
}

/** The id of the newest row; 0 when the log has none. */
export function readNewestId(statements: StatementCache): number {
  return Number(statements.get("select max(id) as id from logs").get()?.id ?? 0);
}

/** Adds the rows after `before`: those of the open transaction. */
export function sealRows(statements: StatementCache, before: number): void {
  if (readNewestId(statements) === before) return;
  const rows = statements.arrays(`select id, ${logLine} from logs where id > ? order by id`).all(before);
  const [first] = rows as unknown as [number, string][];
  if (first === undefined) return;
  const links = statements.arrays("select up_to, hash from log_chain order by up_to desc limit 2").all();
  const [last, other] = links as unknown as [number, string][];
  if (last === undefined) begin(statements, first[0] - 1);
  const [from, newest] = last ?? [first[0] - 1, noHash];
  let hash = newest, upTo = from;
  for (const [id, line] of rows as unknown as [number, string][]) {
    hash = hashRow(hash, line);
    upTo = id;
  }
  // The first link stays, and so does the last one of each thousand rows.
  const stays = other === undefined || Math.floor(from / linkRows) !== Math.floor(upTo / linkRows);
  if (stays) addLink(statements, upTo, hash);
  else statements.get("update log_chain set up_to = ?, hash = ? where up_to = ?").run(upTo, hash, from);
  statements.get("update meta set value = ? where key = ? and value = ?")
    .run(toMark(upTo, hash), chainUpToKey, toMark(from, newest));
}

/** The value of `chainUpToKey` for a link. */
export function toMark(upTo: number, hash: string): string {
  return `${upTo} ${hash}`;
}

/** Entries in `meta` of an earlier chain stay: that chain was deleted. */
function begin(statements: StatementCache, from: number): void {
  addLink(statements, from, noHash);
  const mark = statements.get("insert or ignore into meta values (?, ?)");
  mark.run(chainFromKey, String(from));
  mark.run(chainUpToKey, toMark(from, noHash));
}

function addLink(statements: StatementCache, upTo: number, hash: string): void {
  statements.get("insert into log_chain values (?, ?)").run(upTo, hash);
}
