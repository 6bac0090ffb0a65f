/** What load stores: one reading per compute. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  /** The load of the whole machine. */
  load1: real().notNull(),
  load5: real().notNull(),
  load15: real().notNull(),
  cpus: integer().notNull(),
  /** Share of the last minute in which at least one task waited, 0 to 1; null where the system reports none. */
  cpuPressure: real("cpu_pressure"),
  memoryPressure: real("memory_pressure"),
  ioPressure: real("io_pressure"),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});
