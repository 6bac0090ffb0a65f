/**
 * What reading commands know without a daemon: runs, messages and rows, from the workspace's database. What has left it
 * for the archive is read from there: of a run always, of the log when a command asks for it.
 */
import { NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { MessageQuery, Records, RunQuery } from "../control/client.ts";
import type { RunPage } from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { Run, RunMessage } from "../protocol/run.ts";
import { atOnce, History } from "../store/history.ts";
import { StoreReader } from "../store/reader.ts";
import type { CliIo } from "./io.ts";
import { maskedRecords } from "./masked_records.ts";
import { print, sign } from "./output.ts";

export interface CliRecords extends Records, Disposable {
  /** As `logs`, with the rows that are in the archive by now. */
  allLogs(filter: LogFilter): LogRow[];
}

/** Null: the workspace has never run, so that there is no database. */
export function openRecords(paths: WorkspacePaths): CliRecords | null {
  const reader = StoreReader.open(paths.logDatabase);
  return reader === null ? null : maskedRecords(paths, new DiskRecords(reader, new History(reader, paths.archive)));
}

class DiskRecords implements CliRecords {
  readonly #reader: StoreReader;
  readonly #history: History;

  constructor(reader: StoreReader, history: History) {
    this.#reader = reader;
    this.#history = history;
  }

  runs(query: RunQuery): RunPage {
    const { total, runs } = this.#reader.runs(query);
    return { total, items: runs };
  }

  run(runId: string): Run | null {
    return this.#reader.run(runId);
  }

  messages(runId: string, query: MessageQuery): RunMessage[] {
    return atOnce(this.#history.messages(runId, query));
  }

  /** Rows of a run are found wherever they are by now. */
  logs(filter: LogFilter): LogRow[] {
    return atOnce(this.#history.logs(filter, false));
  }

  allLogs(filter: LogFilter): LogRow[] {
    return atOnce(this.#history.logs(filter, true));
  }

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}

/** The records of a workspace that has never run: nothing is damaged, there is only nothing yet. */
export const noRecords: CliRecords = {
  runs: () => ({ total: 0, items: [] }),
  run: () => null,
  messages: () => [],
  logs: () => [],
  allLogs: () => [],
  [Symbol.dispose]() {},
};

/** The same for commands to which no database and an empty one are alike. */
export function recordsOf(paths: WorkspacePaths): CliRecords {
  return openRecords(paths) ?? noRecords;
}

/** For people, below a list that is empty because the workspace has never run. */
export function printNothingYet(io: CliIo, records: CliRecords): void {
  if (records === noRecords) print(io, `${sign.next} nothing has happened here yet: nerve start`);
}

export function requireRun(records: Records, runId: string): Run {
  const run = records.run(runId);
  if (run !== null) return run;
  throw new NerveError("RUN_UNKNOWN", `There is no run "${runId}"`, { hint: "nerve workflow list --all" });
}
