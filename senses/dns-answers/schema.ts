/** What dns-answers stores: one row per record and compute. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const answers = sqliteTable("answers", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** `NAME TYPE`. */
  record: text().notNull(),
  /** Sorted; null when no nameserver answered. */
  values: text("answer", { mode: "json" }).$type<readonly string[]>(),
  latencyMs: integer("latency_ms"),
  problem: text(),
});
