/**
 * What reading commands know without a daemon: runs, messages and rows, from the workspace's database. What has left it
 * for the archive is read from there: of a run always, of the log when a command asks for it.
 */
import { parseNerveConfig } from "../config/parse.ts";
import { SecretMask } from "../config/permissions/secret_mask.ts";
import { configFileName, type WorkspacePaths } from "../config/workspace.ts";
import { unknownRun } from "../protocol/common_errors.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { MessageQuery, Records, RunPage, RunQuery } from "../protocol/queries.ts";
import type { Run, RunMessage } from "../protocol/run.ts";
import { History, readAll } from "../store/history/history.ts";
import { StoreReader } from "../store/log/reader.ts";
import type { CliIo } from "./io.ts";
import { print, sign } from "./render/terminal.ts";

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
    return this.#reader.runs(query);
  }

  run(runId: string): Run | null {
    return this.#reader.run(runId);
  }

  messages(runId: string, query: MessageQuery): RunMessage[] {
    return readAll(this.#history.messages(runId, query));
  }

  /** Rows of a run are found wherever they are by now. */
  logs(filter: LogFilter): LogRow[] {
    return readAll(this.#history.logs(filter, false));
  }

  allLogs(filter: LogFilter): LogRow[] {
    return readAll(this.#history.logs(filter, true));
  }

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}

/**
 * Records with the values of granted variables taken out (config/permissions/secret_mask.ts). Runs resume from what is
 * on disk, so it stands there unmasked: it is masked when shown, as far as this command has the variables that hold the
 * secrets. All other rows were masked when they were written.
 */
function maskedRecords(paths: WorkspacePaths, records: CliRecords): CliRecords {
  const secrets = maskOf(paths);
  return {
    runs: (query) => secrets.mask(records.runs(query)),
    run: (runId) => secrets.mask(records.run(runId)),
    messages: (runId, query) => secrets.mask(records.messages(runId, query)),
    logs: (filter) => secrets.mask(records.logs(filter)),
    allLogs: (filter) => secrets.mask(records.allLogs(filter)),
    [Symbol.dispose]: () => records[Symbol.dispose](),
  };
}

function maskOf(paths: WorkspacePaths): SecretMask {
  try {
    const parsed = parseNerveConfig(Deno.readTextFileSync(paths.configFile), configFileName);
    return parsed.ok ? SecretMask.fromConfig(parsed.value.config, Deno.env.toObject()) : new SecretMask({});
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return new SecretMask({});
    throw thrown;
  }
}

/** The records of a workspace that has never run: nothing is damaged, there is only nothing yet. */
export const emptyRecords: CliRecords = {
  runs: () => ({ total: 0, items: [] }),
  run: () => null,
  messages: () => [],
  logs: () => [],
  allLogs: () => [],
  [Symbol.dispose]() {},
};

/** The same for commands to which no database and an empty one are alike. */
export function openRecordsOrEmpty(paths: WorkspacePaths): CliRecords {
  return openRecords(paths) ?? emptyRecords;
}

/** For people, below a list that is empty because the workspace has never run. */
export function printNothingYet(io: CliIo, records: CliRecords): void {
  if (records === emptyRecords) print(io, `${sign.next} nothing has happened here yet: nerve start`);
}

export function requireRun(records: Records, runId: string): Run {
  const run = records.run(runId);
  if (run !== null) return run;
  throw unknownRun(runId);
}
