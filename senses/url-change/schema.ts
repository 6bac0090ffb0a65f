/** What url-change stores: the page as it was last read, and its changes. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const pages = sqliteTable("pages", {
  /** Without user and password. */
  url: text().primaryKey(),
  /** The time of the last visit. */
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** Digest of the settings that define what counts. */
  rules: text().notNull(),
  /** What the server sent for conditional requests. */
  etag: text(),
  lastModified: text("last_modified"),
  /** Null before it was first read. */
  hash: text(),
  /** The pieces that count; null when it is not text, or too much. */
  pieces: text({ mode: "json" }).$type<string[]>(),
  /** Null when there is no problem. */
  problem: text(),
});

export const changes = sqliteTable("changes", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  url: text().notNull(),
  hash: text().notNull(),
  /** The first pieces that were added and removed. */
  added: text({ mode: "json" }).$type<string[]>().notNull(),
  removed: text({ mode: "json" }).$type<string[]>().notNull(),
});
