/**
 * Runs, messages and rows wherever they are by now: in the log, or in its archive. Of a run always; of the log when it is
 * asked for. Used by the command line (cli/open_records.ts) and by the kernel's views.
 * I1. A row that is archived meanwhile is given once: the log is read first, and a day's file is in its place before a
 *     row of it leaves the log.
 */
import { setImmediate } from "node:timers";
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { ArchiveReader, mergeRows, type Steps } from "../archive/archive_reader.ts";
import type { StoreReader } from "../log/reader.ts";
import { toRunMessage } from "../runs/run_sql.ts";

export class History {
  readonly #reader: StoreReader;
  readonly #archive: ArchiveReader;

  constructor(reader: StoreReader, archiveFolder: string) {
    this.#reader = reader;
    this.#archive = new ArchiveReader(archiveFolder);
  }

  /** As `StoreReader.messages`. */
  *messages(runId: string, query: MessageQuery): Steps<RunMessage[]> {
    const messages = this.#reader.messages(runId, query), run = this.#reader.run(runId);
    if (run === null || !this.#mayBeArchived(run)) return messages;
    const { limit, beforeRound = Infinity } = query;
    const rows = yield* this.#archive.logs(
      { refId: runId, type: "run.message", order: "desc", limit: limit ?? Infinity, ...toTimeRange(run) },
      ({ payload }) => toRunMessage(0, payload).round < beforeRound,
    );
    const known = new Set(messages.map(({ round }) => round));
    const archived = rows.map(({ ts, payload }) => toRunMessage(ts, payload)).filter(({ round }) => !known.has(round));
    return [...archived, ...messages].sort((a, b) => a.round - b.round).slice(-(limit ?? Infinity));
  }

  /** As `StoreReader.logs`, with what is archived: of the run that `refId` names, or, with `all`, of everything. */
  *logs(filter: LogFilter, all: boolean): Steps<LogRow[]> {
    const rows = this.#reader.logs(filter);
    if (all) return mergeRows(rows, yield* this.#archive.logs(filter), filter);
    const run = filter.refId === undefined ? null : this.#reader.run(filter.refId);
    if (run === null || !this.#mayBeArchived(run)) return rows;
    return mergeRows(rows, yield* this.#archive.logs(narrowToRun(filter, run)), filter);
  }

  #mayBeArchived({ queuedAt }: Run): boolean {
    return queuedAt < (this.#reader.archivedUpTo() ?? -Infinity);
  }
}

/** For a program that has nothing else to do. */
export function readAll<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** How long the event loop is kept at a time. */
const sliceMs = 5;

/**
 * For the kernel: others get their turn in between. When `gone` aborts, because whoever asked has left or the daemon
 * stops, it throws NerveError DAEMON_MISSING.
 */
export async function readInSlices<T>(steps: Steps<T>, clock: Clock, gone: AbortSignal): Promise<T> {
  try {
    for (let end = clock.monotonic() + sliceMs;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (clock.monotonic() < end) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (gone.aborted) throw new NerveError("DAEMON_MISSING", "the daemon stops", { hint: "nerve start" });
      end = clock.monotonic() + sliceMs;
    }
  } finally {
    // Closes the file that it is in.
    steps.return(undefined as never);
  }
}

/** Rows about a run begin with its own first one; a refusal of something late may follow its last. */
function toTimeRange({ queuedAt, endedAt }: Run): { sinceMs: number; untilMs: number } {
  return { sinceMs: queuedAt - clockSlackMs, untilMs: endedAt === null ? Infinity : endedAt + clockSlackMs };
}
const clockSlackMs = 24 * 60 * 60 * 1_000;

/** The filter may ask for less, never for more than the run's own time. */
function narrowToRun(filter: LogFilter, run: Run): LogFilter {
  const { sinceMs, untilMs } = toTimeRange(run);
  return {
    ...filter,
    sinceMs: Math.max(sinceMs, filter.sinceMs ?? -Infinity),
    untilMs: Math.min(untilMs, filter.untilMs ?? Infinity),
  };
}
