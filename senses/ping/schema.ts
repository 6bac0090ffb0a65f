/** What ping stores: one row per host and compute. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const pings = sqliteTable("pings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** As the configuration names it. */
  host: text().notNull(),
  /** Null when the name was not resolved. */
  address: text(),
  sent: integer().notNull(),
  received: integer().notNull(),
  duplicates: integer().notNull(),
  /** The average; null when nothing came back. */
  latencyMs: real("latency_ms"),
  problem: text(),
});
