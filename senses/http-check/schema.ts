/** What http-check stores: one row per check. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  url: text().notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  /** Null when there was no answer. */
  status: integer(),
  /** Until the response headers arrived; null when there was no answer. */
  latencyMs: integer("latency_ms"),
  /** Null for http: and when it could not be read. */
  certificateDaysLeft: integer("certificate_days_left"),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});
