/** What containers stores: one row per compute, and one per container. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  count: integer().notNull(),
  problems: integer().notNull(),
});

export const containers = sqliteTable("containers", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  name: text().notNull(),
  /** `running`, `exited` and so on. */
  state: text().notNull(),
  /** `healthy`, `unhealthy` or `starting`; null for one without a health check. */
  health: text(),
  /** Null while it runs, and before it ran. */
  exitCode: integer("exit_code"),
  restarts: integer().notNull(),
  problem: text(),
});
