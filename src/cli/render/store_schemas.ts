/** Schemas of the `--json` output of `nerve store` and its subcommands; json_schemas.ts has the other commands. */
import * as z from "zod";
import { archiveReplySchema } from "../../protocol/api.ts";

/** `nerve store archive` */
export const storeArchiveOutput = archiveReplySchema;

/** Files that do not belong in the data, or are damaged, and why. */
const oddFiles = z.array(z.strictObject({ path: z.string(), why: z.string() }));

/** `nerve store stats`: `perDay` is the mean of the last whole days in the log, null while there are none. */
export const storeStatsOutput = z.strictObject({
  log: z.strictObject({
    bytes: z.int(),
    rows: z.int(),
    runs: z.int(),
    oldestMs: z.number().nullable(),
    newestMs: z.number().nullable(),
    perDay: z.strictObject({ days: z.int(), rows: z.int(), bytes: z.int() }).nullable(),
    freeBytes: z.int(),
  }).nullable(),
  senses: z.array(z.strictObject({ name: z.string(), bytes: z.int() })),
  blobs: z.strictObject({ files: z.int(), bytes: z.int() }),
  archive: z.strictObject({
    days: z.int(),
    bytes: z.int(),
    rows: z.int(),
    oldest: z.string().nullable(),
    upToMs: z.number().nullable(),
  }),
  totalBytes: z.int(),
  odd: oddFiles,
});

/** `nerve store gc`: `digest` is null for a file that an interrupted write left behind. */
export const storeGcOutput = z.strictObject({
  items: z.array(z.strictObject({ digest: z.string().nullable(), bytes: z.int(), modifiedMs: z.number() })),
  bytes: z.int(),
  kept: z.int(),
  removed: z.boolean(),
  removedBytes: z.int(),
});

/** `nerve store verify`: one finding for each fault, and one for each part that is intact. */
export const storeVerifyOutput = z.strictObject({
  ok: z.boolean(),
  findings: z.array(z.strictObject({
    part: z.enum(["database", "blobs", "archive", "chain", "runs"]),
    what: z.string(),
    problem: z.string().nullable(),
    count: z.int(),
  })),
});

/** `nerve store rebuild-runs` */
export const storeRebuildRunsOutput = z.strictObject({ runs: z.int(), skipped: z.int() });

/** `nerve store backup DIR` */
export const storeBackupOutput = z.strictObject({
  folder: z.string(),
  madeAt: z.number(),
  version: z.string(),
  files: z.int(),
  bytes: z.int(),
  /** The files that the workspace needs besides its data: nerve.yaml, code, `env_file`. */
  notHeld: z.array(z.string()),
  /** Files of the data that are not in the backup. */
  skipped: oddFiles,
});

/** `nerve store restore DIR`: `before` is the folder to which the previous data was moved. */
export const storeRestoreOutput = storeBackupOutput.omit({ notHeld: true }).extend({
  before: z.string().nullable(),
  /** Databases that were damaged in the backup and are set aside. */
  damaged: oddFiles,
});
