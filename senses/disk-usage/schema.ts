/** What disk-usage stores: one reading per compute, in bytes. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  path: text().notNull(),
  filesystem: text().notNull(),
  mount: text().notNull(),
  /** Share of the space available to ordinary users, 0 to 1. */
  used: real().notNull(),
  /** May exceed every safe integer. */
  totalBytes: real("total_bytes").notNull(),
  usedBytes: real("used_bytes").notNull(),
  availableBytes: real("available_bytes").notNull(),
});
