/**
 * Queued runs that start at a later time: puts each into the queue of its workflow at that time. Called by
 * run_admission.ts, recovery.ts and pauses.ts.
 * I1. A time of day has come when the wall clock reaches it; a span is also over when as much time has passed.
 * I2. Until its time a run takes no place in the queue; then it is treated like a new request.
 */
import { hasCome, type Moment } from "../../base/moment.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { RunEntry } from "./active_runs.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";

export interface PlannedStartsParts {
  readonly timers: TimerGroup;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** The run has joined the end of its queue, which may be too long now. */
  readonly onQueued: (entry: RunEntry) => void;
}

export class PlannedStarts {
  readonly #parts: PlannedStartsParts;

  constructor(parts: PlannedStartsParts) {
    this.#parts = parts;
  }

  /** `entry`: a run whose status is queued and whose first row is on disk. */
  add(entry: RunEntry, starts: Moment): void {
    entry.queue.queued.delete(entry);
    entry.queue.planned.add(entry);
    enterPhase(entry, { tag: "planned" });
    this.#wait(entry, starts);
  }

  /** Adds a run from before the start or a pause, unless its time has come: then it stays in the queue. */
  restore(entry: RunEntry, starts: Moment): void {
    if (!hasCome(this.#parts.clock, starts)) this.add(entry, starts);
  }

  #wait(entry: RunEntry, starts: Moment): void {
    const { clock, timers } = this.#parts, boot = clock.boot();
    if (hasCome(clock, starts)) return this.#queue(entry);
    let isOver = false;
    const look = () => {
      // The other timer came first, or the run was killed or paused.
      if (isOver || entry.left || entry.phase.tag !== "planned") return;
      isOver = true;
      this.#wait(entry, starts);
    };
    timers.at(starts.wall, look);
    if (boot !== null && starts.boot?.id === boot.id) timers.after(starts.boot.ms - boot.ms, look);
  }

  #queue(entry: RunEntry): void {
    const { dispatcher, onQueued } = this.#parts, { queue } = entry;
    queue.planned.delete(entry);
    queue.queued.add(entry);
    enterPhase(entry, { tag: "queued" });
    onQueued(entry);
    dispatcher.dispatch(queue);
  }
}

/** The reason of a planned run, for a reader. */
export function describePlanned({ wall }: Moment): string {
  return `starts at ${new Date(wall).toISOString()}`;
}
