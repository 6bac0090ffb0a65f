/** What database-query stores: one row per compute. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const answers = sqliteTable("answers", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** Digest of the database's name and the query. */
  key: text().notNull(),
  /** Digest of the rows of the last answer. */
  hash: text(),
  ok: integer({ mode: "boolean" }).notNull(),
  /** Null when the answer does not begin with a number, and without an answer. */
  value: real(),
  rows: integer(),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});
