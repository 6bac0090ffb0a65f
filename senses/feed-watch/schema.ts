/** What feed-watch stores: each feed as of the last visit, and the entries seen in it. */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const feeds = sqliteTable("feeds", {
  url: text().primaryKey(),
  /** The time of the last visit. */
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** When the feed was last read successfully; null before the first time. */
  readAt: integer("read_at", { mode: "timestamp_ms" }),
  /** What the server sent for conditional requests. */
  etag: text(),
  lastModified: text("last_modified"),
  /** Null when there is no problem. */
  problem: text(),
});

export const entries = sqliteTable("entries", {
  feed: text().notNull(),
  /** Digest of the entry's id. */
  key: text().notNull(),
  title: text().notNull(),
  link: text(),
  firstSeenAt: integer("first_seen_at", { mode: "timestamp_ms" }).notNull(),
  /** When the feed last contained it, as far as is known. */
  seenAt: integer("seen_at", { mode: "timestamp_ms" }).notNull(),
}, (table) => [primaryKey({ columns: [table.feed, table.key] })]);
