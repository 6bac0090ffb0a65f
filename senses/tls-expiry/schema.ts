/** What tls-expiry stores: one row per server and check. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  /** As the configuration names it. */
  server: text().notNull(),
  /** Null when the certificate could not be read. */
  endsAt: integer("ends_at", { mode: "timestamp_ms" }),
  daysLeft: integer("days_left"),
  /** Null when there is no problem. */
  problem: text(),
  /** The name of the certificate that ends first: the server's own, or one that vouches for it. */
  endsFirst: text("ends_first"),
});
