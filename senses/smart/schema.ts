/** What smart stores: one row per disk and compute. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const disks = sqliteTable("disks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** As the configuration names it. */
  disk: text().notNull(),
  serial: text(),
  standby: integer({ mode: "boolean" }).notNull(),
  healthy: integer({ mode: "boolean" }),
  reallocated: integer(),
  pending: integer(),
  uncorrectable: integer(),
  /** In percent. */
  wear: integer(),
  celsius: integer(),
  problem: text(),
});
