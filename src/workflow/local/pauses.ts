/**
 * Pauses and resumes runs. Called by manager.ts.
 * I1. A paused run is in no process and not in memory. It resumes from where it was: at its place in the queue, with
 *     the role of its round, or with its wait.
 * I2. A running role is aborted, and runs again, or a person is asked (once_roles.ts); the run resumes only when the
 *     role has settled.
 */
import type { Clock } from "../../base/time.ts";
import { unknownRun } from "../../protocol/common_errors.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunPause } from "../../protocol/run_wait.ts";
import { isTerminal } from "../transitions.ts";
import type { ActiveRuns, RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { toRunEnded } from "./kills.ts";
import type { PlannedStarts } from "./planned_starts.ts";
import type { RunStore } from "./ports.ts";
import { toStoreFailed } from "./run_admission.ts";
import { type RunWriter, toReason } from "./run_writer.ts";
import type { Waits } from "./waits.ts";

export interface PausesParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly waits: Waits;
  readonly planned: Pick<PlannedStarts, "restore">;
  readonly store: RunStore;
  readonly clock: Clock;
  /** Called after a paused run is resumed. */
  readonly onResumed: (run: Run) => void;
}

/** How many turns of microtasks it takes at most to report a commit. */
const appliedTurnsMax = 100;

export class Pauses {
  readonly #parts: PausesParts;
  /** Resumes in progress, by run id. */
  readonly #resuming = new Map<string, Promise<Run>>();

  constructor(parts: PausesParts) {
    this.#parts = parts;
  }

  /** Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. A run that is already paused stays as it is. */
  async pause(runId: string, why: string | null): Promise<Run> {
    const { runs, store, writer, waits } = this.#parts;
    for (;;) {
      await this.settled(runId);
      await runs.get(runId)?.created;
      const stored = store.get(runId);
      if (stored === null) throw unknownRun(runId);
      if (stored.status === "paused") return stored;
      const entry = runs.get(runId) ?? (stored.status === "waiting" ? waits.load(stored) : null);
      if (isTerminal(stored.status) || entry === null || entry.endsPending > 0) throw toRunEnded(stored);
      if (await this.#write(entry, stored, why)) return entry.run;
      // Another change came first.
      if (writer.closed) throw toStoreFailed(`run ${runId} could not be paused`, new Error("the daemon stops"));
    }
  }

  async #write(entry: RunEntry, { runId, status, reason }: Run, why: string | null): Promise<boolean> {
    const { store, writer, waits, clock } = this.#parts;
    if (status !== "queued" && status !== "started" && status !== "waiting") return false;
    const wait = status === "waiting" ? store.readWait(runId) : null;
    const before = status === "started" ? null : reason;
    const pause: RunPause = { from: status, since: clock.now(), reason: before, wait, code: null };
    // Nothing new starts meanwhile.
    entry.endsPending++;
    try {
      return await writer.pause(entry, pause, toReason(`paused: ${why ?? "on request"}`));
    } catch (thrown) {
      throw toStoreFailed(`run ${runId} could not be paused`, thrown);
    } finally {
      entry.endsPending--;
      waits.unload(entry);
    }
  }

  /**
   * Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. A run that is not paused stays as it is. With `acceptCode` it
   * continues even if its code contradicts its rounds.
   */
  async resume(runId: string, acceptCode: boolean): Promise<Run> {
    const before = this.#resuming.get(runId);
    if (before !== undefined) return await before;
    const resuming = this.#resume(runId, acceptCode);
    this.#resuming.set(runId, resuming);
    try {
      return await resuming;
    } finally {
      this.#resuming.delete(runId);
    }
  }

  /** Resolves when no resume of the run is in progress, and no change of its waits. */
  async settled(runId: string): Promise<void> {
    await this.#resuming.get(runId)?.catch(() => {});
    for (let moving = this.#moving(runId); moving !== null; moving = this.#moving(runId)) await moving;
  }

  /** Settles with the resume in progress; null when there is none. */
  resumeOf(runId: string): Promise<Run> | null {
    return this.#resuming.get(runId) ?? null;
  }

  #moving(runId: string): Promise<unknown> | null {
    return this.#parts.waits.movingOf(runId);
  }

  async #resume(runId: string, acceptCode: boolean): Promise<Run> {
    const { store, writer, assignments, runs } = this.#parts;
    // Its role may not have settled yet.
    if (store.get(runId)?.status === "paused") await assignments.whenReleased(runId);
    await this.#applied(runId);
    const run = store.get(runId), pause = run === null ? null : store.readPause(runId);
    if (run === null) throw unknownRun(runId);
    // A paused run in memory: its end is being written.
    if (isTerminal(run.status) || run.status === "paused" && runs.get(runId) !== null) throw toRunEnded(run);
    if (run.status !== "paused" || pause === null) return run;
    let written = false;
    try {
      written = await writer.unpause(run, pause, acceptCode);
    } catch (thrown) {
      throw toStoreFailed(`run ${runId} could not be resumed`, thrown);
    }
    const now = store.get(runId) ?? run;
    if (written && now.status === pause.from) this.#goOn(now, pause);
    return now;
  }

  /** Resolves when a pause on disk is known in memory too: anyone who read that the run is paused may resume it. */
  async #applied(runId: string): Promise<void> {
    const { runs, store, writer } = this.#parts, entry = runs.get(runId);
    if (entry === null || entry.run.status === "paused" || store.get(runId)?.status !== "paused") return;
    for (let turns = 0; turns < appliedTurnsMax && runs.has(entry); turns++) await writer.waitUntilIdle();
  }

  #goOn(run: Run, { from }: RunPause): void {
    const { runs, store, waits, dispatcher, planned, onResumed } = this.#parts, { runId } = run;
    const queue = runs.getOrAddQueue(run.workflow);
    queue.paused.delete(runId);
    if (from === "waiting") {
      queue.waiting++;
      waits.rearm(run, queue);
    } else {
      const entry = runs.add(run, from === "queued" ? { tag: "queued" } : { tag: "unassigned", ready: true });
      entry.lastFailure = store.readLastFailure(runId);
      const starts = from === "queued" ? store.readPlanned(runId) : null;
      if (starts !== null) planned.restore(entry, starts);
      entry.detachReason = "the run was paused, and the role aborted";
      const role = store.readBegun(runId);
      if (role !== null) entry.begun = { role, stored: true };
    }
    if (from === "queued") runs.sortQueue(queue, store.listUnfinished());
    onResumed(run);
    dispatcher.dispatch(queue);
  }
}
