/**
 * Publish and subscribe inside the kernel: signals, changes of runs and of groups, for whoever listens (the printed
 * lines of `nerve run`, the event stream of the control API, embedders).
 *
 * I1. Publishing never blocks, never throws and never runs a subscriber's code.
 * I2. What waits for one subscriber is bounded; when it is full the oldest event is dropped and counted. A slow
 *     subscriber costs the others nothing.
 */
import { subscriberQueueMax } from "./limits.ts";

/** The events from the moment of subscribing on, in order, as an async iterator for one reader. */
export interface Subscription<E> extends AsyncIterableIterator<E, undefined> {
  /** Events that this subscriber has lost because it read too slowly. */
  readonly dropped: number;
  /** Ends the iteration; what still waits is discarded. Leaving a `for await` loop does the same. */
  close(): void;
}

export class Broadcast<E> {
  readonly #queueMax: number;
  readonly #subscribers = new Set<Subscriber<E>>();
  #closed = false;

  /** `queueMax` is the number of events that may wait for one subscriber; default `subscriberQueueMax`. */
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

  /** No further events: each subscriber reads what waits for it, then its iteration ends. */
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
  /** Events that wait for a reader. One of the two lists is always empty. */
  #events: E[] = [];
  /** Readers that wait for an event. */
  #readers: ((result: IteratorResult<E, undefined>) => void)[] = [];
  #finished = false;

  constructor(queueMax: number, left: () => void) {
    this.#queueMax = queueMax;
    this.#onClose = left;
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

  /** Nothing more comes, but what waits may still be read. */
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
