/** What process-watch stores: one reading per compute. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  program: text().notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  count: integer().notNull(),
  /** Resident memory of all processes together. */
  memoryBytes: integer("memory_bytes").notNull(),
  restarted: integer({ mode: "boolean" }).notNull(),
  pids: text({ mode: "json" }).$type<number[]>().notNull(),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});
