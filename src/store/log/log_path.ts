/**
 * Chooses the index that a query of the log walks, in the order of ids. nerve chooses it, not SQLite: without
 * statistics SQLite takes an index whose rows it then has to sort, or one that matches far more rows. Used by
 * row_finder.ts.
 * I1. A walk ends at its limit: it never reads all rows that match, and never sorts them.
 */
import type { LogFilter } from "../../protocol/log.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { sourceTypeIndex } from "./log_indexes.ts";

/** A statement and its bound values. */
export interface Query {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** A condition and its bound values. */
interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** The rows of all branches; each branch walks one index in the order of ids. */
export interface LogPath {
  readonly branches: readonly Condition[];
  readonly index: string;
  /** The conditions that the index does not cover: they are checked row by row. */
  readonly rest: readonly Condition[];
}

/** The bounds of a walk by ids, exclusive. */
export interface IdBounds {
  readonly afterId: number | undefined;
  readonly beforeId: number | undefined;
  readonly descending: boolean;
}

/** `indexed`: whether the log has `sourceTypeIndex`; the log of an older nerve does not. */
export function choosePath(statements: StatementCache, indexed: boolean, filter: LogFilter): LogPath {
  const { source, type, refId, sinceMs, untilMs } = filter;
  const times = [...compare("+ts >= ?", sinceMs), ...compare("+ts < ?", untilMs)];
  if (refId !== undefined) {
    const rest = [...compare("+source = ?", source), ...times];
    return { branches: branchByType(statements, "ref_id", refId, type), index: "logs_ref", rest };
  }
  if (source !== undefined && indexed) {
    return { branches: branchByType(statements, "source", source, type), index: sourceTypeIndex, rest: times };
  }
  if (source !== undefined) {
    const rest = [...compare("+type = ?", type), ...times];
    return { branches: compare("source = ?", source), index: "logs_source", rest };
  }
  if (type !== undefined) return { branches: compare("type = ?", type), index: "logs_type", rest: times };
  return { branches: [{ sql: "true", values: [] }], index: "", rest: times };
}

function compare(sql: string, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql, values: [value] }];
}

/** One branch for each type that the rows have: ids are in order only among rows of the same type. */
function branchByType(
  statements: StatementCache,
  column: "ref_id" | "source",
  value: string,
  type: string | undefined,
): Condition[] {
  const types = type === undefined ? statements.arrays(listTypes(column)).all(value).map(firstOf) : [type];
  return types.map((each) => ({ sql: `${column} = ? and type = ?`, values: [value, each] }));
}

/** Jumps from type to type in the index. */
export function listTypes(column: "ref_id" | "source"): string {
  return `
with recursive found (type) as (
  select min(type) from logs where ${column} = ?1
  union all
  select (select min(type) from logs where ${column} = ?1 and type > found.type) from found where found.type is not null
)
select type from found where type is not null`;
}

function firstOf(row: unknown): string {
  return String((row as unknown[])[0]);
}

/** The first rows of the path: their ids, and what `columns` asks for. SQLite merges the branches as it reads them. */
export function walkPath(path: LogPath, columns: string, bounds: IdBounds, limit: number): Query {
  const { afterId, beforeId, descending } = bounds;
  const ids = [...compare("id > ?", afterId), ...compare("id < ?", beforeId)];
  const from = path.index === "" ? "logs" : `logs indexed by ${path.index}`;
  const branches = path.branches.map((branch) => {
    const conditions = [branch, ...ids];
    return {
      sql: `select ${columns} from ${from} where ${conditions.map(({ sql }) => sql).join(" and ")}`,
      values: conditions.flatMap(({ values }) => values),
    };
  });
  return {
    sql: `${branches.map(({ sql }) => sql).join(" union all ")} order by id${descending ? " desc" : ""} limit ?`,
    values: [...branches.flatMap(({ values }) => values), limit],
  };
}

/**
 * Checks the next `rows` rows of a path with conditions that the index does not cover. Returns how many rows there are,
 * the smallest and the largest id, and the ids and sizes of those that pass, in one text.
 */
export function checkWindow(path: LogPath, bounds: IdBounds, rows: number): Query {
  const window = walkPath(path, "id, ts, source, type, octet_length(payload) as bytes", bounds, rows);
  const passes = path.rest.map(({ sql }) => sql).join(" and ");
  return {
    sql: `select count(*), min(id), max(id), group_concat(case when ${passes} then id || ' ' || bytes end)` +
      ` from (${window.sql})`,
    // The condition comes before the window in the text.
    values: [...path.rest.flatMap(({ values }) => values), ...window.values],
  };
}

/** Of up to so many entries of the index of times, oldest first: the count, the last time, and the range of ids. */
export const spanOfTimes = `
select count(*), max(ts), min(id), max(id)
from (select ts, id from logs indexed by logs_ts where ts >= ? and ts < ? order by ts limit ?)`;
