/** Data that only the dashboard reads from the control API: columns over time, permissions, sizes of the store. */
import * as z from "zod";

/** A numeric column of a sense's table that also has a time column. */
export const senseColumnsSchema = z.object({
  items: z.array(z.object({ table: z.string(), time: z.string(), column: z.string() })),
});
export type SenseColumns = z.infer<typeof senseColumnsSchema>;
export type SenseColumn = SenseColumns["items"][number];

/** Each index of the lists is one span of `widthMs` that has rows: its middle (`at`), and the values of its rows. */
export const senseSeriesSchema = z.object({
  table: z.string(),
  time: z.string(),
  column: z.string(),
  fromMs: z.number(),
  untilMs: z.number(),
  widthMs: z.number(),
  rows: z.int(),
  /** Whether the time limit was reached before all rows were read: the oldest are missing. */
  cut: z.boolean(),
  at: z.array(z.number()),
  least: z.array(z.number()),
  mean: z.array(z.number()),
  most: z.array(z.number()),
});
export type SenseSeries = z.infer<typeof senseSeriesSchema>;

/** Which points to read. The time range is divided into `points` spans. */
export interface SeriesRequest {
  readonly table: string;
  readonly column: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly points: number;
}

const grantSchema = z.object({
  permission: z.string(),
  /** True: everything. */
  value: z.union([z.string(), z.literal(true)]),
  why: z.string(),
  /** The sense or workflow that declares the permission; null: every unit of its kind has it. */
  declaredBy: z.string().nullable(),
});

const growthSchema = z.object({
  kind: z.enum(["sense", "workflow"]),
  name: z.string(),
  permission: z.string(),
  values: z.union([z.literal(true), z.array(z.string())]),
});

/** What each group and workflow may do, and how that differs from the approved permissions. */
export const permissionsSchema = z.object({
  items: z.array(z.object({
    kind: z.enum(["group", "workflow"]),
    name: z.string(),
    senses: z.array(z.string()),
    /** All grants when one unit was requested, else only the declared ones. */
    grants: z.array(grantSchema),
    /** The number of grants that every unit of its kind has. */
    implied: z.int(),
  })),
  lock: z.object({
    exists: z.boolean(),
    /** Why the lock on disk cannot be used. */
    problem: z.string().nullable(),
    /** What nerve.yaml asks for without approval, and what is approved but no longer asked for. */
    added: z.array(growthSchema),
    removed: z.array(growthSchema),
    /** The same for approvers, in words: keys of people, members of groups. */
    approvers: z.object({ added: z.array(z.string()), removed: z.array(z.string()) }),
  }),
  /** What is wrong with nerve.yaml on disk: the previous one was compared. Null when nothing is wrong. */
  configError: z.string().nullable(),
});
export type PermissionsReply = z.infer<typeof permissionsSchema>;
export type PermissionGrowth = PermissionsReply["lock"]["added"][number];

export const storeSizesSchema = z.object({
  log: z.object({
    bytes: z.number(),
    rows: z.int(),
    runs: z.int(),
    oldestMs: z.number().nullable(),
    newestMs: z.number().nullable(),
    perDay: z.object({ days: z.int(), rows: z.int(), bytes: z.int() }).nullable(),
    freeBytes: z.number(),
  }).nullable(),
  senses: z.array(z.object({ name: z.string(), bytes: z.number() })),
  blobs: z.object({ files: z.int(), bytes: z.number() }),
  archive: z.object({
    days: z.int(),
    bytes: z.number(),
    rows: z.int(),
    oldest: z.string().nullable(),
    upToMs: z.number().nullable(),
  }),
  totalBytes: z.number(),
  odd: z.array(z.object({ path: z.string(), why: z.string() })),
});
export type StoreSizes = z.infer<typeof storeSizesSchema>;
