/**
 * Publish and subscribe inside the kernel: signals, run changes and unit changes. The subscribers are `nerve run`, the
 * event stream of the control API, and programs that embed nerve.
 *
 * I1. Publishing never blocks, never throws and never runs a subscriber's code.
 * I2. Each subscriber has a bounded queue. When it is full, the oldest event is dropped and counted. A slow subscriber
 *     costs the others nothing.
 */
import { subscriberQueueMax } from "./limits.ts";

/** The events since the subscription began, in order, as an async iterator for one reader. */
export interface Subscription<E> extends AsyncIterableIterator<E, undefined> {
  /** Events that this subscriber has lost because it read too slowly. */
  readonly dropped: number;
  /** Ends the iteration and discards queued events. Leaving a `for await` loop does the same. */
  close(): void;
}

export class Broadcast<E> {
  readonly #queueMax: number;
  readonly #subscribers = new Set<Subscriber<E>>();
  #closed = false;

  /** `queueMax`: events that may queue for one subscriber. Default: `subscriberQueueMax`. */
  constructor(queueMax: number = subscriberQueueMax) {
    this.#queueMax = queueMax;
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  publish(event: E): void {
    for (const subscriber of this.#subscribers) subscriber.offer(event);
  }

  subscribe(): Subscription<E> {
    const subscriber = new Subscriber<E>(this.#queueMax, () => void this.#subscribers.delete(subscriber));
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
  readonly #onClose: () => void;
  /** Events without a reader. One of the two lists is always empty. */
  #events: E[] = [];
  /** Readers without an event. */
  #readers: ((result: IteratorResult<E, undefined>) => void)[] = [];
  #finished = false;

  constructor(queueMax: number, onClose: () => void) {
    this.#queueMax = queueMax;
    this.#onClose = onClose;
  }

  offer(event: E): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) return reader({ done: false, value: event });
    if (this.#events.length >= this.#queueMax) {
      this.#events.shift();
      this.dropped++;
    }
    this.#events.push(event);
  }

  /** No event follows; queued events can still be read. */
  finish(): void {
    this.#finished = true;
    for (const reader of this.#readers) reader({ done: true, value: undefined });
    this.#readers = [];
  }

  close(): void {
    this.#events = [];
    this.finish();
    this.#onClose();
  }

  next(): Promise<IteratorResult<E, undefined>> {
    // The length, not the value: an event may be undefined.
    if (this.#events.length > 0) return Promise.resolve({ done: false, value: this.#events.shift() as E });
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
