/**
 * Publishes signals, and deliveries of hooks, once their rows are on disk, in the order of the log: no one receives a
 * signal that a crash could undo, or whose id could be reused. Used by manager.ts; kernel/wiring.ts connects it to the
 * store and the scheduler.
 */
import { messageOf } from "../base/errors.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { hookOf } from "../protocol/delivery.ts";
import type { Signal } from "../protocol/signal.ts";
import type { SignalInbox } from "./signal_inbox.ts";

export interface SignalPublisherPorts {
  /**
   * Resolves when every row so far is on disk; rejects when one is lost. Without `hurry`, waits for the next regular
   * commit.
   */
  durable(hurry: boolean): Promise<void>;
  /** Whether the row is on disk although another row of its commit was lost. */
  isStored(id: number): boolean;
  readonly inbox: Pick<SignalInbox, "add" | "hasListeners">;
  emit(event: KernelEvent): void;
  /** Triggers the listeners. */
  onSignal(signal: Signal): void;
}

export class SignalPublisher {
  readonly #ports: SignalPublisherPorts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: SignalPublisherPorts) {
    this.#ports = ports;
  }

  /**
   * Call this in the turn in which the signal's row was appended. Resolves with null when the signal was published,
   * else with why its row was lost: then no one has received it. `awaited`: a caller waits for it. Never rejects.
   */
  publish(signal: Signal, awaited: boolean): Promise<string | null> {
    const { inbox, durable, isStored, emit, onSignal } = this.#ports, before = this.#last;
    const stored = durable(awaited || inbox.hasListeners(signal.sense)).then(
      () => null,
      (thrown) => isStored(signal.id) ? null : messageOf(thrown),
    );
    const published = stored.then(async (lost) => {
      await before;
      if (lost !== null) return lost;
      if (hookOf(signal.sense) === null) emit({ kind: "signal", signal });
      inbox.add(signal);
      onSignal(signal);
      return null;
    });
    this.#last = published;
    return published;
  }
}
