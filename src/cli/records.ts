/** What reading commands know without a daemon: runs, messages and rows, from the workspace's database. */
import { NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { Records } from "../control/client.ts";
import type { Run } from "../protocol/run.ts";
import { StoreReader } from "../store/reader.ts";

export type CliRecords = Records & Disposable;

/** Null: the workspace has never run, so that there is no database. */
export function openRecords(paths: WorkspacePaths): CliRecords | null {
  const reader = StoreReader.open(paths.logDatabase);
  if (reader === null) return null;
  return {
    runs: (query) => {
      const { total, runs } = reader.runs(query);
      return { total, items: runs };
    },
    run: (runId) => reader.run(runId),
    messages: (runId, query) => reader.messages(runId, query),
    logs: (filter) => reader.logs(filter),
    [Symbol.dispose]: () => reader.close(),
  };
}

/** The same for commands that have nothing to show without a database. */
export function requireRecords(paths: WorkspacePaths): CliRecords {
  const records = openRecords(paths);
  if (records !== null) return records;
  throw new NerveError("STORE_FAILED", `Nothing has happened in ${paths.root} yet`, { hint: "nerve start" });
}

export function requireRun(records: Records, runId: string): Run {
  const run = records.run(runId);
  if (run !== null) return run;
  throw new NerveError("RUN_UNKNOWN", `There is no run "${runId}"`, { hint: "nerve workflow list --all" });
}
