/** The SQL for reading the log, over any connection. Pure; used by reader.ts, rebuild.ts and archiver.ts. */
import { pageMaxBytes } from "../../base/limits.ts";
import type { Json } from "../../protocol/json.ts";
import type { LogFilter, LogRow, LogType } from "../../protocol/log.ts";
import type { StatementCache } from "../sqlite/database.ts";

export const logColumns = "id, ts, source, type, ref_id, cause_id, payload";
/** A row as JSON, id first: a line of the archive. SQLite builds it, which makes one string instead of eight. */
export const logLine = `'{"id":' || id || ',"ts":' || ts || ',"source":' || json_quote(source) || ',"type":' || ` +
  `json_quote(type) || ',"refId":' || json_quote(ref_id) || ',"causeId":' || json_quote(cause_id) || ',"payload":' || ` +
  `payload || '}'`;
export const defaultLogLimit = 100;

/** A statement and its bound values. */
export interface Query {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

const conditions: readonly (readonly [keyof LogFilter, string])[] = [
  ["source", "source = ?"],
  ["type", "type = ?"],
  ["refId", "ref_id = ?"],
  ["sinceMs", "ts >= ?"],
  ["untilMs", "ts < ?"],
  ["afterId", "id > ?"],
  ["beforeId", "id < ?"],
];

export function buildLogQuery(filter: LogFilter): Query {
  return buildQuery(filter, logColumns);
}

/** The sizes of the rows that `buildLogQuery` would read; `octet_length` reads no payload. */
export function buildSizeQuery(filter: LogFilter): Query {
  return buildQuery(filter, "octet_length(payload)");
}

function buildQuery(filter: LogFilter, columns: string): Query {
  const given = conditions.flatMap(([key, sql]) => {
    const value = filter[key];
    return value === undefined ? [] : [{ sql, value }];
  });
  const where = given.length === 0 ? "" : ` where ${given.map(({ sql }) => sql).join(" and ")}`;
  const order = filter.order === "desc" ? " desc" : "";
  return {
    sql: `select ${columns} from logs${where} order by id${order} limit ?`,
    values: [...given.map(({ value }) => value), filter.limit ?? defaultLogLimit],
  };
}

type Row = [number, number, string, LogType, string | null, number | null, string];

/**
 * How many of the first rows of a query are not larger than `maxBytes` together, but at least one. `sizes` gives one
 * column, the size of each row. (To iterate over the rows themselves would miss damage: node:sqlite on Deno 2.9.6 ends an
 * iteration without an error when a page of the file is malformed.)
 */
export function countPage(statements: StatementCache, sizes: Query, maxBytes: number = pageMaxBytes): number {
  const [limit] = sizes.values.slice(-1);
  if (Number(limit) <= 1) return Number(limit);
  const rows = statements.arrays(sizes.sql).all(...sizes.values) as unknown as [number][];
  let bytes = 0;
  const over = rows.findIndex(([size]) => (bytes += size) > maxBytes);
  return Math.max(over < 0 ? rows.length : over, 1);
}

/** The database is ours and its tables are strict, so values have the types that were written. */
export function toLogRow(row: unknown): LogRow {
  const [id, ts, source, type, refId, causeId, payload] = row as Row;
  return { id, ts, source, type, refId, causeId, payload: JSON.parse(payload) as Json };
}
