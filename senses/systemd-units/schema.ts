/** What systemd-units stores: one row per compute, and one per unit that is named, not right, or was started again. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** How many units were checked. */
  count: integer().notNull(),
  problems: integer().notNull(),
});

export const units = sqliteTable("units", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  unit: text().notNull(),
  /** `ACTIVE (SUB)`, in systemd's words. */
  state: text().notNull(),
  /** When it entered that state, in systemd's own microseconds. */
  since: text().notNull(),
  /** How often systemd has restarted it automatically. */
  restarts: integer().notNull(),
  problem: text(),
});
