/** What feed-watch keeps: the feeds as of their last visit, and the entries that it saw in them. */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const feeds = sqliteTable("feeds", {
  url: text().primaryKey(),
  /** Of the last visit. */
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** When a feed was last read there; null before the first time. */
  readAt: integer("read_at", { mode: "timestamp_ms" }),
  /** What the server gave to ask "has it changed" with. */
  etag: text(),
  lastModified: text("last_modified"),
  /** Null when all is well. */
  problem: text(),
});

export const entries = sqliteTable("entries", {
  feed: text().notNull(),
  /** Digest of the entry's id. */
  key: text().notNull(),
  title: text().notNull(),
  link: text(),
  firstSeenAt: integer("first_seen_at", { mode: "timestamp_ms" }).notNull(),
  /** When the feed last held it, as far as we know. */
  seenAt: integer("seen_at", { mode: "timestamp_ms" }).notNull(),
}, (table) => [primaryKey({ columns: [table.feed, table.key] })]);
