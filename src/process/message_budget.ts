/**
 * How much a process may send, and how much of the kernel's time all of them together may take unasked: one thread reads
 * what everybody says, and many that flood must not cost it more than one does. Used by unit_process.ts.
 * I1. What a process was asked for is read at once: each message to it adds the size of an answer. So is the little that
 *     any process may say unasked: those that flood do not delay it.
 * I2. Between two long messages the event loop gets a turn, whoever sent them.
 * I3. The shared budget is time that was really spent: on a busy machine the same message takes longer.
 */
import { messagesBurstMax, messagesPerSecondMax, messageUnitBytes } from "../base/limits.ts";
import { type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { ToProcess } from "../protocol/message.ts";
import { costOfAnswer, costOfLine } from "./message_cost.ts";

/**
 * The time in each second that the kernel spends on what nobody asked for, over all processes, and the burst: a tenth of
 * one core, however many flood. A compute's rows of the log belong to what it was asked for.
 */
const unaskedReadingMsPerSecond = 100;
export const unaskedReadingBurstMs = 50;
/** What each process may send whatever the others do: pongs, loads, a few rows of the log. No long message is among it. */
const sparedMessagesPerSecondMax = 64;
export const sparedMessagesBurstMax = 64;
/** From this cost on a message is long: it takes a few milliseconds. */
const longCost: number = costOfLine(16 * messageUnitBytes);

/** What all processes of one event loop share; they have the same clock. */
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

  /** Time that was spent on what nobody had asked for. */
  charge(ms: number): void {
    this.#time.charge(ms);
  }

  /** Resolves in a turn of the event loop that nobody else got from here. */
  nextTurn(): Promise<void> {
    return this.#turns = this.#turns.then(() => new Promise((resolve) => setImmediate(resolve)));
  }

  /** What to wait for before something unasked is read: those before it, and the time that they have taken. */
  waitForTime(): Promise<void> | null {
    if (this.#queued === 0 && this.#time.charge(0) === 0) return null;
    this.#queued++;
    return this.#queue = this.#queue.then(async () => {
      // By then the one before has been read, and its time is counted.
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
  /** What it was asked for and has not sent yet, in units of `messageUnitBytes`. */
  #asked = 0;
  /** When the reading of something unasked began. */
  #unaskedSince: number | null = null;
  #outputSince = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#own = new TokenBucket(clock, messagesPerSecondMax, messagesBurstMax);
    this.#spared = new TokenBucket(clock, sparedMessagesPerSecondMax, sparedMessagesBurstMax);
    this.#shared = sharedBy(clock);
  }

  /** The process is sent this, and will answer. */
  expectAnswer(message: ToProcess): void {
    this.#asked = Math.min(messagesBurstMax, this.#asked + costOfAnswer(message));
  }

  /** What to wait for before a line of so many bytes is read; null: nothing. `endLine` follows. */
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

  /** What to wait for before more output is read; null: nothing. */
  paceOutput(): Promise<void> | null {
    this.#shared.charge(this.#clock.monotonic() - this.#outputSince);
    return this.#shared.waitForTime();
  }

  /** What was paced last has been read and handled. */
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
