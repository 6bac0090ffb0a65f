/** What memory-usage stores: one reading per compute, in bytes. */
import { integer, real, sqliteTable } from "drizzle-orm/sqlite-core";

export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** Share of the memory that is not available, 0 to 1. */
  used: real().notNull(),
  totalBytes: integer("total_bytes").notNull(),
  availableBytes: integer("available_bytes").notNull(),
  swapTotalBytes: integer("swap_total_bytes").notNull(),
  swapFreeBytes: integer("swap_free_bytes").notNull(),
  /** Null where no container limit applies. */
  limitBytes: integer("limit_bytes"),
});
