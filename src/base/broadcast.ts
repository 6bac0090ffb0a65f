/**
 * Publish and subscribe inside the kernel: signals, run changes and unit changes. The subscribers are `nerve run`, the
 * event stream of the control API, and programs that embed nerve.
 *
 * I1. Publishing never blocks, never throws and never runs a subscriber's code.
 * I2. Each subscriber has a queue that is bounded in events and in bytes. When it is full, the oldest events are
 *     dropped and counted. A slow subscriber does not affect the others.
 */
import { subscriberQueueMax, subscriberQueueMaxBytes } from "./limits.ts";

/** The events since the subscription began, in order, as an async iterator for one reader. */
export interface Subscription<E> extends AsyncIterableIterator<E, undefined> {
  /** Events that this subscriber has lost because it read too slowly. */
  readonly dropped: number;
  /** Ends the iteration and discards queued events. Leaving a `for await` loop does the same. */
  close(): void;
}

export class Broadcast<E> {
  readonly #queueMax: number;
  readonly #queueMaxBytes: number;
  readonly #subscribers = new Set<Subscriber<E>>();
  #closed = false;

  /** How many events may queue for one subscriber, and about how many bytes of JSON. */
  constructor(queueMax: number = subscriberQueueMax, queueMaxBytes: number = subscriberQueueMaxBytes) {
    this.#queueMax = queueMax;
    this.#queueMaxBytes = queueMaxBytes;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(event: E): void {
    let bytes: number | null = null;
    // Computed only if the event must queue for a subscriber.
    const sizeOf = () => bytes ??= JSON.stringify(event)?.length ?? 0;
    for (const subscriber of this.#subscribers) subscriber.offer(event, sizeOf);
  }

  subscribe(): Subscription<E> {
    const subscriber = new Subscriber<E>(
      this.#queueMax,
      this.#queueMaxBytes,
      () => void this.#subscribers.delete(subscriber),
    );
    if (this.#closed) subscriber.close();
    else this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Accepts no further events. Each subscriber reads its queue to the end, then its iteration ends. */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.finish();
    this.#subscribers.clear();
  }
}

class Subscriber<E> implements Subscription<E> {
  dropped = 0;
  readonly #queueMax: number;
  readonly #queueMaxBytes: number;
  readonly #onClose: () => void;
  /** Events without a reader. This or the list of readers is always empty. */
  #events: { readonly event: E; readonly bytes: number }[] = [];
  #bytes = 0;
  /** Readers without an event. */
  #readers: ((result: IteratorResult<E, undefined>) => void)[] = [];
  #finished = false;

  constructor(queueMax: number, queueMaxBytes: number, onClose: () => void) {
    this.#queueMax = queueMax;
    this.#queueMaxBytes = queueMaxBytes;
    this.#onClose = onClose;
  }

  offer(event: E, sizeOf: () => number): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader({ done: false, value: event });
    const bytes = sizeOf();
    while (
      this.#events.length > 0 &&
      (this.#events.length >= this.#queueMax || this.#bytes + bytes > this.#queueMaxBytes)
    ) {
      this.#take();
      this.dropped++;
    }
    this.#events.push({ event, bytes });
    this.#bytes += bytes;
  }

  #take(): E | undefined {
    const oldest = this.#events.shift();
    this.#bytes -= oldest?.bytes ?? 0;
    return oldest?.event;
  }

  /** No event follows; queued events can still be read. */
  finish(): void {
    this.#finished = true;
    for (const reader of this.#readers) reader({ done: true, value: undefined });
    this.#readers = [];
  }

  close(): void {
    this.#events = [];
    this.#bytes = 0;
    this.finish();
    this.#onClose();
  }

  next(): Promise<IteratorResult<E, undefined>> {
    // The length, not the value: an event may be undefined.
    if (this.#events.length > 0) return Promise.resolve({ done: false, value: this.#take() as E });
    if (this.#finished) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<E, undefined>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
