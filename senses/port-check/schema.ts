/** What port-check stores: one row per port and check. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** As the configuration names it. */
  address: text().notNull(),
  open: integer({ mode: "boolean" }).notNull(),
  /** Null when there was no connection. */
  latencyMs: integer("latency_ms"),
  problem: text(),
});
