/**
 * Lets processes start in the order in which they are needed, a bounded number at a time. Used by process_pool.ts.
 * I1. At most `max` starts are in progress. A start that has not ended after `startSlotMaxMs` no longer counts: a start
 *     that hangs never holds up the others for longer.
 * I2. What a person asked for starts first, then what is due first; among equals, what was added first.
 */
import { startSlotMaxMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

/** When a process is needed. */
export interface StartOrder {
  /** Whether a person, or a program through the API, waits for it. */
  readonly asked: boolean;
  /** Wall milliseconds. */
  readonly dueAt: number;
}

/** One start, from `add` to `end`. */
export interface QueuedStart {
  order: StartOrder;
  readonly begin: () => void;
  readonly number: number;
  /** Set while the start counts as in progress. */
  cancelSlot: CancelTimer | null;
}

export class StartQueue {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #waiting = new Set<QueuedStart>();
  #added = 0;
  #underWay = 0;
  #beginning = false;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  /** How many starts wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Calls `begin` once, when it is this start's turn: now, if there is room. */
  add(order: StartOrder, begin: () => void): QueuedStart {
    const start: QueuedStart = { order, begin, number: this.#added++, cancelSlot: null };
    this.#waiting.add(start);
    this.#beginNext();
    return start;
  }

  /** The start is also needed for this order: takes the earlier of both. */
  hurry(start: QueuedStart, order: StartOrder): void {
    if (comesBefore(order, start.order)) start.order = order;
  }

  /** The start has ended, or will not begin. May be called more than once. */
  end(start: QueuedStart): void {
    this.#waiting.delete(start);
    if (start.cancelSlot === null) return;
    start.cancelSlot();
    this.#freeSlot(start);
  }

  #freeSlot(start: QueuedStart): void {
    start.cancelSlot = null;
    this.#underWay--;
    this.#beginNext();
  }

  /** `begin` may end or add a start: this loop then takes the next. */
  #beginNext(): void {
    if (this.#beginning) return;
    this.#beginning = true;
    try {
      while (this.#underWay < this.#max && this.#waiting.size > 0) {
        const next = [...this.#waiting].reduce((first, each) => isFirst(each, first) ? each : first);
        this.#waiting.delete(next);
        this.#underWay++;
        next.cancelSlot = this.#clock.after(startSlotMaxMs, () => this.#freeSlot(next));
        next.begin();
      }
    } finally {
      this.#beginning = false;
    }
  }
}

function comesBefore(a: StartOrder, b: StartOrder): boolean {
  return a.asked === b.asked ? a.dueAt < b.dueAt : a.asked;
}

function isFirst(a: QueuedStart, b: QueuedStart): boolean {
  return comesBefore(a.order, b.order) || (!comesBefore(b.order, a.order) && a.number < b.number);
}
