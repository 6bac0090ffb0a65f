/** What directory-watch stores: one row per compute, the folders it has listed, and each file as last seen. */
import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  folder: text().notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  files: integer().notNull(),
  totalBytes: real("total_bytes").notNull(),
  /** Files whose names are not UTF-8. */
  unnamed: integer().notNull(),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});

export const folders = sqliteTable("folders", {
  folder: text().primaryKey(),
  /** The time of the last compute. */
  ts: integer({ mode: "timestamp_ms" }).notNull(),
});

export const files = sqliteTable("files", {
  folder: text().notNull(),
  path: text().notNull(),
  bytes: real().notNull(),
  modifiedMs: real("modified_ms").notNull(),
  inode: real(),
  sinceMs: integer("since_ms").notNull(),
  told: integer({ mode: "boolean" }).notNull(),
  toldBefore: integer("told_before", { mode: "boolean" }).notNull(),
}, (table) => [primaryKey({ columns: [table.folder, table.path] })]);
