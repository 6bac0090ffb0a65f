/** What package-updates stores: one row per compute. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  updates: integer().notNull(),
  security: integer().notNull(),
  held: integer().notNull(),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});
