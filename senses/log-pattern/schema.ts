/** What log-pattern stores: its place in the file, and one row per compute that read lines. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const places = sqliteTable("places", {
  file: text().primaryKey(),
  /** The time of the last compute. */
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** Device and inode. */
  identity: text().notNull(),
  offset: integer().notNull(),
  /** Digest of the bytes before the offset; at the beginning, which file was rotated last. */
  mark: text().notNull(),
});

export const counts = sqliteTable("counts", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  file: text().notNull(),
  /** Lines read. */
  lines: integer().notNull(),
  /** Lines that match at least one pattern. */
  matched: integer().notNull(),
  patterns: text({ mode: "json" }).$type<{ pattern: string; lines: number }[]>().notNull(),
});
