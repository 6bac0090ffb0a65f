/** What network-counters stores: its checks, a reading for each interface, and the counters of the last compute. */
import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  ok: integer({ mode: "boolean" }).notNull(),
  problems: text({ mode: "json" }).$type<string[]>().notNull(),
});

/** Rates per second. */
export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  name: text().notNull(),
  up: integer({ mode: "boolean" }),
  receivedBytes: real("received_bytes").notNull(),
  sentBytes: real("sent_bytes").notNull(),
  receivedPackets: real("received_packets").notNull(),
  sentPackets: real("sent_packets").notNull(),
  errors: real().notNull(),
  drops: real().notNull(),
});

/** One row for each interface; counters of 64 bits may exceed every integer of JavaScript. */
export const counters = sqliteTable("counters", {
  name: text().primaryKey(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  uptimeMs: integer("uptime_ms").notNull(),
  index: integer("interface_index"),
  receivedBytes: real("received_bytes").notNull(),
  receivedPackets: real("received_packets").notNull(),
  receivedErrors: real("received_errors").notNull(),
  receivedDrops: real("received_drops").notNull(),
  sentBytes: real("sent_bytes").notNull(),
  sentPackets: real("sent_packets").notNull(),
  sentErrors: real("sent_errors").notNull(),
  sentDrops: real("sent_drops").notNull(),
});
