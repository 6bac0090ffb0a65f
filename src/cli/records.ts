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
import { ArchiveReader, together } from "../store/archive_reader.ts";
import { StoreReader } from "../store/reader.ts";
import { messageOfRow } from "../store/run_rows.ts";
import { maskedRecords } from "./masked_records.ts";

export interface CliRecords extends Records, Disposable {
  /** As `logs`, with the rows that are in the archive by now. */
  allLogs(filter: LogFilter): LogRow[];
}

/** Null: the workspace has never run, so that there is no database. */
export function openRecords(paths: WorkspacePaths): CliRecords | null {
  const reader = StoreReader.open(paths.logDatabase);
  return reader === null ? null : maskedRecords(paths, new DiskRecords(reader, new ArchiveReader(paths.archive)));
}

class DiskRecords implements CliRecords {
  readonly #reader: StoreReader;
  readonly #archive: ArchiveReader;

  constructor(reader: StoreReader, archive: ArchiveReader) {
    this.#reader = reader;
    this.#archive = archive;
  }

  runs(query: RunQuery): RunPage {
    const { total, runs } = this.#reader.runs(query);
    return { total, items: runs };
  }

  run(runId: string): Run | null {
    return this.#reader.run(runId);
  }

  messages(runId: string, query: MessageQuery): RunMessage[] {
    const messages = this.#reader.messages(runId, query), run = this.run(runId);
    if (run === null || !this.#mayBeArchived(run.queuedAt)) return messages;
    const { limit, beforeRound = Infinity } = query, lifetime = timeOf(run);
    const rows = this.#archive.logs(
      { refId: runId, type: "run.message", order: "desc", limit, ...lifetime },
      ({ payload }) => messageOfRow(0, payload).round < beforeRound,
    );
    const known = new Set(messages.map(({ round }) => round));
    const archived = rows.map(({ ts, payload }) => messageOfRow(ts, payload)).filter(({ round }) => !known.has(round));
    return [...archived, ...messages].sort((a, b) => a.round - b.round).slice(-limit);
  }

  /** Rows of a run are found wherever they are by now. */
  logs(filter: LogFilter): LogRow[] {
    const rows = this.#reader.logs(filter);
    const run = filter.refId === undefined ? null : this.run(filter.refId);
    if (run === null || !this.#mayBeArchived(run.queuedAt)) return rows;
    return together(rows, this.#archive.logs({ ...timeOf(run), ...filter }), filter);
  }

  allLogs(filter: LogFilter): LogRow[] {
    return together(this.#reader.logs(filter), this.#archive.logs(filter), filter);
  }

  [Symbol.dispose](): void {
    this.#reader.close();
  }

  #mayBeArchived(ts: number): boolean {
    return ts < (this.#reader.archivedUpTo() ?? -Infinity);
  }
}

/** Rows about a run begin with its own first one; a refusal of something late may follow its last. */
function timeOf({ queuedAt, endedAt }: Run): Pick<LogFilter, "sinceMs" | "untilMs"> {
  return { sinceMs: queuedAt - clockSlackMs, ...(endedAt === null ? {} : { untilMs: endedAt + clockSlackMs }) };
}
const clockSlackMs = 24 * 60 * 60 * 1_000;

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
