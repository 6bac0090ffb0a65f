/** What cpu-usage stores: one reading per compute, and the counters from which the next one is computed. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** Busy share of all cores, 0 to 1. */
  used: real().notNull(),
  /** The same for each core. */
  cores: text({ mode: "json" }).$type<number[]>().notNull(),
  load1: real().notNull(),
  load5: real().notNull(),
  load15: real().notNull(),
  /** The span over which the shares are averaged. */
  windowMs: integer("window_ms").notNull(),
});

/** Milliseconds since boot, one row per core. */
export const counters = sqliteTable("counters", {
  core: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  busyMs: integer("busy_ms").notNull(),
  idleMs: integer("idle_ms").notNull(),
});
