/** The commands below `nerve store`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag } from "../command.ts";

const folder = {
  kind: "tuple",
  parameters: [{ brief: "The folder of the backup", placeholder: "DIR", parse: String }],
} as const;

const archive = defineCommand(
  async () => (await import("../commands/store_archive.ts")).storeArchive,
  {
    brief: "Move whole days of the log into the archive now",
    details:
      "Moves days older than the retention into data/archive/logs; the daemon does so automatically every day.\n" +
      "Rows of unfinished runs stay, and signals that a listener has not heard. --vacuum needs the daemon to be stopped.",
    examples: [
      "nerve store archive --dry-run",
      "nerve store archive --before 2026-01-31",
      "nerve store archive --vacuum",
    ],
  },
  {
    flags: {
      before: textFlag("Days before this one (UTC); default: from retention in nerve.yaml", "DATE"),
      vacuum: switchFlag("Return the log's free space to the disk"),
      dryRun: switchFlag("Only show what would be archived"),
    },
    json: true,
  },
);

const gc = defineCommand(
  async () => (await import("../commands/store_gc.ts")).storeGc,
  {
    brief: "List or remove blobs that nothing references",
    details:
      "Lists the blobs older than a day that neither the log, its archive nor any sense's database references.\n" +
      "With --yes it removes them.",
    examples: ["nerve store gc", "nerve store gc --yes"],
  },
  { flags: { yes: switchFlag("Remove them") }, json: true },
);

const restore = defineCommand(
  async () => (await import("../commands/store_backup.ts")).storeRestore,
  {
    brief: "Restore a backup",
    details:
      "Replaces data/ with a backup, after verifying that the backup is intact. Fails while a daemon runs, and when\n" +
      "data/ exists; with --force the existing data is moved aside and kept.",
    examples: ["nerve store restore /mnt/backup/monday", "nerve store restore /mnt/backup/monday --force"],
  },
  { flags: { force: switchFlag("Move the existing data aside") }, json: true, positional: folder },
);

export const storeCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    stats: defineCommand(
      async () => (await import("../commands/store_stats.ts")).storeStatsCommand,
      { brief: "Show the size and age of the data, and how fast it grows", examples: ["nerve store stats"] },
      { json: true },
    ),
    archive,
    verify: defineCommand(
      async () => (await import("../commands/store_verify.ts")).storeVerify,
      {
        brief: "Check that all data is intact",
        details: "Checks every database, every blob, the archive, and the runs against the log. Changes nothing;\n" +
          "exits 1 when something is wrong.",
        examples: ["nerve store verify", "nerve store verify --json"],
      },
      { json: true },
    ),
    gc,
    rebuildRuns: defineCommand(
      async () =>
        (await import("../commands/store_rebuild_runs.ts"))
          .storeRebuildRuns,
      {
        brief: "Rebuild the table of runs from the log",
        details:
          "Replaces every run whose first row is in the log or its archive; other runs are not touched. Needs the daemon\n" +
          "to be stopped.",
        examples: ["nerve store rebuild-runs"],
      },
      { json: true },
    ),
    backup: defineCommand(
      async () => (await import("../commands/store_backup.ts")).storeBackup,
      {
        brief: "Copy all data into a folder, even while the daemon runs",
        details: "Copies a consistent snapshot of every database, the archive and the blobs into an empty folder.",
        examples: ["nerve store backup /mnt/backup/monday"],
      },
      { json: true, positional: folder },
    ),
    restore,
  },
  docs: { brief: "Manage the data: sizes, archive, checks, backups" },
});
