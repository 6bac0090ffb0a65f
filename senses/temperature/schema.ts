/** What temperature stores: one row per sensor and compute. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** `CHIP/LABEL`, the same after a restart of the machine. */
  sensor: text().notNull(),
  /** Null when the sensor reports nothing that could be true. */
  celsius: real(),
  problem: text(),
});
