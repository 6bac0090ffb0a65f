/**
 * Reads runs, messages and log rows from the workspace's database, for commands that need no daemon. Archived rows of a
 * run are always included; other archived rows only when a command asks for them (`allLogs`).
 */
import { parseNerveConfig } from "../config/parse.ts";
import { readEnvironment } from "../config/environment.ts";
import { SecretMask } from "../config/permissions/secret_mask.ts";
import { configFileName, type WorkspacePaths } from "../config/workspace.ts";
import { unknownRun } from "../protocol/common_errors.ts";
import type { Approval, ApprovalPage, ApprovalQuery } from "../protocol/approval.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { MessageQuery, Records, RunPage, RunQuery } from "../protocol/queries.ts";
import type { Run, RunMessage } from "../protocol/run.ts";
import type { ChildOfRun } from "../protocol/run_wait.ts";
import type { SessionPage, SessionQuery, SessionRecord } from "../protocol/session.ts";
import { History } from "../store/history/history.ts";
import { StoreReader } from "../store/log/reader.ts";
import { readAll } from "../store/reading/steps.ts";
import type { CliIo } from "./io.ts";
import { print, sign } from "./render/terminal.ts";

export interface CliRecords extends Records, Disposable {
  /** Open requests, oldest first; with `all`, every request, newest first. */
  approvals(query: ApprovalQuery): ApprovalPage;
  approval(id: string): Approval | null;
  /** The request of a run in a round. */
  approvalAt(runId: string, round: number): Approval | null;
  /** The runs that a run has started and waited for, in every round. */
  children(runId: string): ChildOfRun[];
  /** Agent sessions, newest first. */
  sessions(query: SessionQuery): SessionPage;
  session(id: string): SessionRecord | null;
  /** Applies the same mask to values that were read elsewhere. */
  mask<T>(value: T): T;
  /** Whether the `finally` of an ended run must still run. */
  isClosing(runId: string): boolean;
  /** Like `logs`, but includes archived rows. */
  allLogs(filter: LogFilter): LogRow[];
  /** How many rows of a run the log has; null when some of them may be archived. */
  countRows(runId: string): number | null;
}

/** Null when the workspace has never run and so has no database. */
export function openRecords(paths: WorkspacePaths): CliRecords | null {
  const reader = StoreReader.open(paths.logDatabase);
  return reader === null ? null : maskRecords(paths, new DiskRecords(reader, new History(reader, paths.archive)));
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
    return readAll(this.#history.messages(runId, query)).items;
  }

  approvals(query: ApprovalQuery): ApprovalPage {
    return this.#reader.approvals(query);
  }

  approval(id: string): Approval | null {
    return this.#reader.approval(id);
  }

  approvalAt(runId: string, round: number): Approval | null {
    return this.#reader.approvalAt(runId, round);
  }

  isClosing(runId: string): boolean {
    return this.#reader.isClosing(runId);
  }

  sessions(query: SessionQuery): SessionPage {
    return this.#reader.sessions(query);
  }

  session(id: string): SessionRecord | null {
    return this.#reader.session(id);
  }

  mask<T>(value: T): T {
    return value;
  }

  children(runId: string): ChildOfRun[] {
    return this.#reader.children(runId);
  }

  /** Includes archived rows when the filter names a run. */
  logs(filter: LogFilter): LogRow[] {
    return readAll(this.#history.logs(filter, false)).items;
  }

  allLogs(filter: LogFilter): LogRow[] {
    return readAll(this.#history.logs(filter, true)).items;
  }

  countRows(runId: string): number | null {
    return this.#history.countRows(runId);
  }

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}

/**
 * Masks the values of granted variables (config/permissions/secret_mask.ts). Runs resume from the stored messages, so
 * those are stored unmasked. They are masked here, as far as env_file or this command's environment has the variables.
 * All other rows were masked when they were written.
 */
function maskRecords(paths: WorkspacePaths, records: CliRecords): CliRecords {
  const secrets = readMask(paths);
  return {
    runs: (query) => secrets.mask(records.runs(query)),
    run: (runId) => secrets.mask(records.run(runId)),
    messages: (runId, query) => secrets.mask(records.messages(runId, query)),
    approvals: (query) => secrets.mask(records.approvals(query)),
    approval: (id) => secrets.mask(records.approval(id)),
    approvalAt: (runId, round) => secrets.mask(records.approvalAt(runId, round)),
    isClosing: (runId) => records.isClosing(runId),
    children: (runId) => secrets.mask(records.children(runId)),
    sessions: (query) => secrets.mask(records.sessions(query)),
    session: (id) => secrets.mask(records.session(id)),
    mask: (value) => secrets.mask(value),
    logs: (filter) => secrets.mask(records.logs(filter)),
    allLogs: (filter) => secrets.mask(records.allLogs(filter)),
    countRows: (runId) => records.countRows(runId),
    [Symbol.dispose]: () => records[Symbol.dispose](),
  };
}

function readMask(paths: WorkspacePaths): SecretMask {
  try {
    const parsed = parseNerveConfig(Deno.readTextFileSync(paths.configFile), configFileName);
    return parsed.ok
      ? SecretMask.fromConfig(parsed.value.config, readEnvironment(parsed.value.config, paths))
      : new SecretMask({});
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return new SecretMask({});
    throw thrown;
  }
}

/** The records of a workspace that has never run. */
export const emptyRecords: CliRecords = {
  runs: () => ({ total: 0, items: [] }),
  run: () => null,
  messages: () => [],
  approvals: () => ({ total: 0, items: [] }),
  approval: () => null,
  approvalAt: () => null,
  children: () => [],
  sessions: () => ({ total: 0, items: [] }),
  session: () => null,
  mask: (value) => value,
  isClosing: () => false,
  logs: () => [],
  allLogs: () => [],
  countRows: () => 0,
  [Symbol.dispose]() {},
};

/** Like `openRecords`, for commands that treat a missing database as an empty one. */
export function openRecordsOrEmpty(paths: WorkspacePaths): CliRecords {
  return openRecords(paths) ?? emptyRecords;
}

/** Printed below a list that is empty because the workspace has never run. */
export function printNothingYet(io: CliIo, records: CliRecords): void {
  if (records === emptyRecords) print(io, `${sign.next} nothing has happened here yet: nerve start`);
}

export function requireRun(records: Records, runId: string): Run {
  const run = records.run(runId);
  if (run !== null) return run;
  throw unknownRun(runId);
}
