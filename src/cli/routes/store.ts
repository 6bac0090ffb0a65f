/** `nerve store ...` */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, command, switchFlag, textFlag } from "../command.ts";

const folder = {
  kind: "tuple",
  parameters: [{ brief: "The folder of the backup", placeholder: "DIR", parse: String }],
} as const;

const archive = command(
  async () => (await import("../commands/store_archive.ts")).storeArchive,
  {
    brief: "Move whole days of the log into the archive now",
    details: "Moves days that are older than retention into data/archive/logs; the daemon does so daily by itself.\n" +
      "Rows of runs that are not finished stay. --vacuum needs the daemon to be stopped.",
    examples: [
      "nerve store archive --dry-run",
      "nerve store archive --before 2026-01-31",
      "nerve store archive --vacuum",
    ],
  },
  {
    flags: {
      before: textFlag("Days before this one (UTC); default: what retention says", "DATE"),
      vacuum: switchFlag("Give the free space of the log back to the disk"),
      dryRun: switchFlag("Only show what would leave"),
    },
    json: true,
  },
);

const gc = command(
  async () => (await import("../commands/store_gc.ts")).storeGc,
  {
    brief: "Blobs that nothing mentions",
    details:
      "Shows the blobs that no row of the log or its archive and no database of a sense mentions, and that are\n" +
      "older than a day. With --yes it removes them.",
    examples: ["nerve store gc", "nerve store gc --yes"],
  },
  { flags: { yes: switchFlag("Remove them") }, json: true },
);

const restore = command(
  async () => (await import("../commands/store_backup.ts")).storeRestore,
  {
    brief: "Bring a backup back",
    details:
      "Puts a backup in the place of data/, once all of it was read and found whole. Refuses while a daemon runs,\n" +
      "and when there is data; with --force that is moved aside and kept.",
    examples: ["nerve store restore /mnt/backup/monday", "nerve store restore /mnt/backup/monday --force"],
  },
  { flags: { force: switchFlag("Move the present data aside") }, json: true, positional: folder },
);

export const storeCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    stats: command(
      async () => (await import("../commands/store_stats.ts")).storeStatsCommand,
      { brief: "How large the data is, how old, and how it grows", examples: ["nerve store stats"] },
      { json: true },
    ),
    archive,
    verify: command(
      async () => (await import("../commands/store_verify.ts")).storeVerify,
      {
        brief: "Look whether all data is whole",
        details: "Checks every database, every blob, the archive, and the runs against the log. Changes nothing;\n" +
          "exits 1 when something is wrong.",
        examples: ["nerve store verify", "nerve store verify --json"],
      },
      { json: true },
    ),
    gc,
    rebuildRuns: command(
      async () =>
        (await import("../commands/store_rebuild_runs.ts"))
          .storeRebuildRuns,
      {
        brief: "Make the table of runs again out of the log",
        details:
          "Replaces every run whose first row is in the log; the others stay as they are. Needs the daemon to be stopped.",
        examples: ["nerve store rebuild-runs"],
      },
      { json: true },
    ),
    backup: command(
      async () => (await import("../commands/store_backup.ts")).storeBackup,
      {
        brief: "Copy all data into a folder, also while the daemon runs",
        details: "Copies every database as of one moment each, the archive and the blobs into an empty folder.",
        examples: ["nerve store backup /mnt/backup/monday"],
      },
      { json: true, positional: folder },
    ),
    restore,
  },
  docs: { brief: "The data: sizes, archive, checks, backups" },
});
