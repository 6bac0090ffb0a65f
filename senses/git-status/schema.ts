/** What git-status stores: one row per compute. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { GitStatus } from "./porcelain.ts";

export const statuses = sqliteTable("statuses", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  path: text().notNull(),
  /** Null when HEAD is detached. */
  branch: text(),
  /** Files that differ from the last commit. */
  dirty: integer().notNull(),
  ahead: integer(),
  behind: integer(),
  /** The whole status. */
  status: text({ mode: "json" }).$type<GitStatus>().notNull(),
});
