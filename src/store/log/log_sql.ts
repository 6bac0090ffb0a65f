/** The columns of the log, over any connection. Pure; used by row_finder.ts, rebuild.ts and archiver.ts. */
import type { Json } from "../../protocol/json.ts";
import type { LogRow, LogType } from "../../protocol/log.ts";

export const logColumns = "id, ts, source, type, ref_id, cause_id, payload";
/** A row as JSON, id first: a line of the archive. SQLite builds it, which makes one string instead of eight. */
export const logLine = `'{"id":' || id || ',"ts":' || ts || ',"source":' || json_quote(source) || ',"type":' || ` +
  `json_quote(type) || ',"refId":' || json_quote(ref_id) || ',"causeId":' || json_quote(cause_id) || ',"payload":' || ` +
  `payload || '}'`;
export const defaultLogLimit = 100;

type Row = [number, number, string, LogType, string | null, number | null, string];

/** The database is nerve's own and its tables are strict, so values have the types that were written. */
export function toLogRow(row: unknown): LogRow {
  const [id, ts, source, type, refId, causeId, payload] = row as Row;
  return { id, ts, source, type, refId, causeId, payload: JSON.parse(payload) as Json };
}
