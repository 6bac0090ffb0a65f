/**
 * How much a process may send, and how much of the kernel's time unsolicited messages of all processes may take: one
 * thread reads all of them, and many processes that flood must not cost more than one. Used by unit_process.ts.
 * I1. Requested messages are read immediately: each message to a process adds the size of its answer. So are the few
 *     that any process may send unsolicited: processes that flood do not delay them.
 * I2. Between two long messages, of any processes, the event loop gets a turn.
 * I3. The shared budget is time actually spent: on a busy machine the same message takes longer.
 */
import { messagesBurstMax, messagesPerSecondMax, messageUnitBytes } from "../base/limits.ts";
import { type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { ToProcess } from "../protocol/message.ts";
import { costOfAnswer, costOfLine } from "./message_cost.ts";

/**
 * The time per second that the kernel spends on unsolicited messages of all processes, and the burst: a tenth of one
 * core, however many flood. A compute's log rows count as requested.
 */
const unaskedReadingMsPerSecond = 100;
export const unaskedReadingBurstMs = 50;
/** What each process may send whatever the others do: pongs, loads, a few log rows. No long messages. */
const sparedMessagesPerSecondMax = 64;
export const sparedMessagesBurstMax = 64;
/** A message of this cost or more is long: it takes a few milliseconds. */
const longCost: number = costOfLine(16 * messageUnitBytes);

/** The budget that all processes of one event loop share; they have the same clock. */
class SharedBudget {
  readonly #clock: Clock;
  /** Milliseconds of reading. */
  readonly #time: TokenBucket;
  #turns: Promise<void> = Promise.resolve();
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#time = new TokenBucket(clock, unaskedReadingMsPerSecond, unaskedReadingBurstMs);
  }

  /** Pays for time spent on unsolicited input. */
  charge(ms: number): void {
    this.#time.charge(ms);
  }

  /** Resolves in a turn of the event loop that no other caller gets. */
  nextTurn(): Promise<void> {
    return this.#turns = this.#turns.then(() => new Promise((resolve) => setImmediate(resolve)));
  }

  /** The wait before unsolicited input is read: for earlier input, and for the time that it has taken. Null: none. */
  waitForTime(): Promise<void> | null {
    if (this.#queued === 0 && this.#time.charge(0) === 0) return null;
    this.#queued++;
    return this.#queue = this.#queue.then(async () => {
      // By then the input before has been read, and its time is counted.
      await this.nextTurn();
      const ms = this.#time.charge(0);
      if (ms > 0) await delay(this.#clock, ms);
      this.#queued--;
    });
  }
}

const shared = new WeakMap<Clock, SharedBudget>();

function sharedBy(clock: Clock): SharedBudget {
  const known = shared.get(clock) ?? new SharedBudget(clock);
  shared.set(clock, known);
  return known;
}

export class MessageBudget {
  readonly #clock: Clock;
  readonly #own: TokenBucket;
  readonly #spared: TokenBucket;
  readonly #shared: SharedBudget;
  /** What was requested and not sent yet, in units of `messageUnitBytes`. */
  #asked = 0;
  /** When the reading of unsolicited input began. */
  #unaskedSince: number | null = null;
  #outputSince = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#own = new TokenBucket(clock, messagesPerSecondMax, messagesBurstMax);
    this.#spared = new TokenBucket(clock, sparedMessagesPerSecondMax, sparedMessagesBurstMax);
    this.#shared = sharedBy(clock);
  }

  /** The process is sent this message, and will answer. */
  expectAnswer(message: ToProcess): void {
    this.#asked = Math.min(messagesBurstMax, this.#asked + costOfAnswer(message));
  }

  /** The wait before a line of so many bytes is read; null: none. `endLine` follows. */
  paceLine(bytes: number): Promise<void> | null {
    const cost = costOfLine(bytes), asked = Math.min(this.#asked, cost), isLong = cost >= longCost;
    this.#asked -= asked;
    if (asked === cost) return isLong ? this.#shared.nextTurn() : null;
    const wait = this.#waitFor(cost - asked, isLong);
    if (wait === null) this.#unaskedSince = this.#clock.monotonic();
    return wait?.then(() => void (this.#unaskedSince = this.#clock.monotonic())) ?? null;
  }

  /** A piece of output is about to be split into lines. */
  beginOutput(): void {
    this.#outputSince = this.#clock.monotonic();
  }

  /** The wait before more output is read; null: none. */
  paceOutput(): Promise<void> | null {
    this.#shared.charge(this.#clock.monotonic() - this.#outputSince);
    return this.#shared.waitForTime();
  }

  /** The line that was paced last has been read and handled. */
  endLine(): void {
    if (this.#unaskedSince !== null) this.#shared.charge(this.#clock.monotonic() - this.#unaskedSince);
    this.#unaskedSince = null;
  }

  #waitFor(unasked: number, isLong: boolean): Promise<void> | null {
    const ms = this.#own.charge(unasked), isSpared = this.#spared.tryTake(unasked);
    if (ms > 0) return delay(this.#clock, ms).then(() => (isSpared ? null : this.#shared.waitForTime()) ?? undefined);
    const wait = isSpared ? null : this.#shared.waitForTime();
    return wait ?? (isLong ? this.#shared.nextTurn() : null);
  }
}
