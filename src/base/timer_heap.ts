/**
 * Thousands of deadlines on one timer of the clock: a binary heap of absolute monotonic times. One heap holds every
 * deadline of the system clock (clock.ts), another the scheduler's ticks and throttle windows
 * (scheduler/schedule_timer.ts).
 *
 * I1. Nothing fires early. Equal deadlines fire in the order in which they were added.
 * I2. The heap uses at most one timer of the clock, and none while it is empty.
 */
import type { CancelTimer, Clock } from "./time.ts";

/** One deadline in a heap, for `cancel`. */
export interface HeapTimer {
  /** Monotonic milliseconds. */
  readonly due: number;
}

interface Node extends HeapTimer {
  readonly order: number;
  readonly fire: () => void;
  /** Its index in the heap, so that cancelling needs no search; -1 once it has left the heap. */
  index: number;
}

export class TimerHeap {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #nodes: Node[] = [];
  #added = 0;
  #armed: { readonly due: number; readonly cancel: CancelTimer } | null = null;
  #firing = false;

  constructor(clock: Pick<Clock, "monotonic" | "after">) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** Calls `fire` once, as soon as `monotonic()` has reached `due`; never during this call. */
  add(due: number, fire: () => void): HeapTimer {
    const node: Node = { due, fire, order: this.#added++, index: this.#nodes.length };
    this.#nodes.push(node);
    this.#rise(node);
    this.#arm();
    return node;
  }

  /** Does nothing when the timer has fired or was cancelled before. */
  cancel(timer: HeapTimer): void {
    const node = timer as Node;
    if (this.#nodes[node.index] !== node) return;
    this.#remove(node);
    // An armed timer without a deadline fires once for nothing: cheaper than setting a new one at each cancel.
    if (this.#nodes.length === 0) this.#disarm();
  }

  clear(): void {
    for (const node of this.#nodes) node.index = -1;
    this.#nodes.length = 0;
    this.#disarm();
  }

  #wake(): void {
    this.#armed = null;
    // Read once: deadlines that fall due meanwhile fire after other work of the event loop.
    const now = this.#clock.monotonic();
    this.#firing = true;
    try {
      for (let head = this.#nodes[0]; head !== undefined && head.due <= now; head = this.#nodes[0]) {
        this.#remove(head);
        head.fire();
      }
    } finally {
      this.#firing = false;
      this.#arm();
    }
  }

  #arm(): void {
    const head = this.#nodes[0];
    if (this.#firing || head === undefined || (this.#armed !== null && this.#armed.due <= head.due)) return;
    this.#disarm();
    const delayMs = Math.max(0, head.due - this.#clock.monotonic());
    this.#armed = { due: head.due, cancel: this.#clock.after(delayMs, () => this.#wake()) };
  }

  #disarm(): void {
    this.#armed?.cancel();
    this.#armed = null;
  }

  #remove(node: Node): void {
    const last = this.#nodes.pop() as Node;
    if (last !== node) {
      this.#put(last, node.index);
      this.#rise(last);
      this.#sink(last);
    }
    node.index = -1;
  }

  #rise(node: Node): void {
    while (node.index > 0) {
      const parent = this.#nodes[(node.index - 1) >> 1] as Node;
      if (!isBefore(node, parent)) return;
      this.#swap(node, parent);
    }
  }

  #sink(node: Node): void {
    for (;;) {
      const left = this.#nodes[2 * node.index + 1], right = this.#nodes[2 * node.index + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, node)) return;
      this.#swap(child, node);
    }
  }

  #swap(a: Node, b: Node): void {
    const index = a.index;
    this.#put(a, b.index);
    this.#put(b, index);
  }

  #put(node: Node, index: number): void {
    this.#nodes[index] = node;
    node.index = index;
  }
}

function isBefore(a: Node, b: Node): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}
