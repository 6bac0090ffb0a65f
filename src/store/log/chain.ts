/**
 * The chain of hashes over the rows of the log: the hash of a row covers that of the row before it. Each commit of
 * commit/operations.ts adds its rows, on whichever thread it runs; maintenance/verify_chain.ts checks them.
 * I1. The chain is moved on in the transaction that writes the rows.
 * I2. What was written by anything but a commit of nerve is not added: a check finds it.
 * I3. `log_chain` has the newest hash, and one at about every `linkRows` rows, at which a check can begin anew: it stays small,
 *     whatever leaves the log for the archive. Its first row is where the chain begins.
 * I4. `meta` has where the chain begins and how far it has come. It is moved on only from the link that it names: a chain
 *     whose links were deleted is never in accord with it again.
 */
import { sha256Text } from "../../base/sha256_text.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { logLine } from "./log_sql.ts";

/** In `meta`: the row after which the chain begins, and its newest link, `UP_TO HASH`. */
export const chainFromKey = "chain_from", chainUpToKey = "chain_up_to";

/** Of the row before the first one. */
export const noHash = "0".repeat(64);
const linkRows = 1_000;

/** `line`: the row as `logLine` has it, which is also its line in the archive. */
export function hashRow(before: string, line: string): string {
  return sha256Text(before + line);
}

/** 0 when the log has no row. */
export function readNewestId(statements: StatementCache): number {
  return Number(statements.get("select max(id) as id from logs").get()?.id ?? 0);
}

/** Adds the rows after `before`, those of the open transaction. */
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
  // The first one stays, and so does the last one of each thousand.
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

/** What `meta` has of an earlier chain stays: that one was deleted. */
function begin(statements: StatementCache, from: number): void {
  addLink(statements, from, noHash);
  const mark = statements.get("insert or ignore into meta values (?, ?)");
  mark.run(chainFromKey, String(from));
  mark.run(chainUpToKey, toMark(from, noHash));
}

function addLink(statements: StatementCache, upTo: number, hash: string): void {
  statements.get("insert into log_chain values (?, ?)").run(upTo, hash);
}
