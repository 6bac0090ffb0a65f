/**
 * Reads runs, messages and rows from the log and from its archive: for one run always, for the whole log on request.
 * Used by the command line (cli/open_records.ts) and by the kernel's API (kernel/kernel_api.ts).
 * I1. A row that is archived meanwhile is returned once: the log is read first, and a day's file is in place before its
 *     rows leave the log.
 */
import { setImmediate } from "node:timers";
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { type MessageQuery, toNextRow } from "../../protocol/queries.ts";
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

  /** As `StoreReader.messages`, with archived messages. */
  *messages(runId: string, query: MessageQuery): Steps<RunMessage[]> {
    const messages = this.#reader.messages(runId, query), run = this.#reader.run(runId), [first] = messages;
    if (run === null || !this.#mayBeArchived(run)) return messages;
    // The page is full: what comes before it is still in the log.
    if (first !== undefined && this.#reader.messages(runId, { beforeRound: first.round, limit: 1 }).length > 0) {
      return messages;
    }
    const { limit, beforeRound = Infinity } = query;
    const rows = yield* this.#archive.logs(
      { refId: runId, type: "run.message", order: "desc", limit: limit ?? Infinity, ...toTimeRange(run) },
      ({ payload }) => toRunMessage(0, payload).round < beforeRound,
    );
    const known = new Set(messages.map(({ round }) => round));
    const archived = rows.map(({ ts, payload }) => toRunMessage(ts, payload)).filter(({ round }) => !known.has(round));
    return [...archived, ...messages].sort((a, b) => a.round - b.round).slice(-(limit ?? Infinity));
  }

  /** As `StoreReader.logs`, with archived rows: of the run that `refId` names, or of everything with `all`. */
  *logs(filter: LogFilter, all: boolean): Steps<LogRow[]> {
    const rows = this.#reader.logs(filter), nextRow = filter.order === "desc" ? toNextRow(filter, rows) : null;
    // The page is full: what comes before it is still in the log.
    if (nextRow !== null && this.#reader.logs(nextRow).length > 0) return rows;
    if (all) return mergeRows(rows, yield* this.#archive.logs(filter), filter);
    const run = filter.refId === undefined ? null : this.#reader.run(filter.refId);
    if (run === null || !this.#mayBeArchived(run)) return rows;
    return mergeRows(rows, yield* this.#archive.logs(narrowToRun(filter, run)), filter);
  }

  /** How many rows a run has; null when some of them may be archived. */
  countRows(runId: string): number | null {
    const run = this.#reader.run(runId);
    return run !== null && this.#mayBeArchived(run) ? null : this.#reader.countRows(runId);
  }

  #mayBeArchived({ queuedAt }: Run): boolean {
    return queuedAt < (this.#reader.archivedUpTo() ?? -Infinity);
  }
}

/** Runs all steps at once, for a program without other work. */
export function readAll<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The longest time that a slice blocks the event loop. */
const sliceMs = 5;

/**
 * Runs the steps in slices, for the kernel: other work runs in between. Throws NerveError DAEMON_MISSING when `gone`
 * aborts, because the client has left or the daemon stops.
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
    // Closes the file that is open.
    steps.return(undefined as never);
  }
}

/** The time range of a run's rows. A row about a rejected message may follow the end of the run. */
function toTimeRange({ queuedAt, endedAt }: Run): { sinceMs: number; untilMs: number } {
  return { sinceMs: queuedAt - clockSlackMs, untilMs: endedAt === null ? Infinity : endedAt + clockSlackMs };
}
const clockSlackMs = 24 * 60 * 60 * 1_000;

/** The filter, limited to the run's time range. */
function narrowToRun(filter: LogFilter, run: Run): LogFilter {
  const { sinceMs, untilMs } = toTimeRange(run);
  return {
    ...filter,
    sinceMs: Math.max(sinceMs, filter.sinceMs ?? -Infinity),
    untilMs: Math.min(untilMs, filter.untilMs ?? Infinity),
  };
}
