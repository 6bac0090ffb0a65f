/**
 * The unprocessed signals of each listening sense: every signal of the senses that it listens to, and every delivery of
 * its hooks (protocol/hook.ts), reaches one of its computes. Created by kernel/wiring.ts; manager.ts takes the signals
 * of a compute here and reports whether it answered.
 * I1. A signal counts as processed only once a compute that got it has answered: its process may die before. The place
 *     up to which a listener has processed signals is durable, so that the next daemon continues from there.
 * I2. A listener gets the signals of one compute in the order of the log. Publish them here in that order.
 * I3. Memory is bounded for each listener: a longer backlog waits in the log.
 */
import { heardBytesMax, heardSignalsMax } from "../base/limits.ts";
import { byteLength } from "../protocol/json.ts";
import type { Signal } from "../protocol/signal.ts";

/** store/archive/archiver.ts also reads the places: signals that a listener has not processed stay in the log. */
const placePrefix = "heard:", noPlaces = "{}";

export interface SignalInboxPorts {
  /** The first signals of a sense after row `afterId`, oldest first: about as many as one compute may get. */
  readSignals(sense: string, afterId: number): { readonly signals: readonly Signal[]; readonly hasMore: boolean };
  /** The last id that the log has issued. */
  lastRowId(): number;
  readonly places: {
    get(key: string): string | null;
    /** The stored keys that begin with `prefix`. */
    keys(prefix: string): readonly string[];
    setAll(values: readonly (readonly [key: string, value: string])[]): void;
  };
}

interface Waiting {
  readonly signal: Signal;
  readonly bytes: number;
}

interface Listener {
  /** For each source, the row of its newest signal that was processed, or that came before the listener followed it. */
  readonly places: Map<string, number>;
  waiting: Waiting[];
  waitingBytes: number;
  /** The signals of the running compute. */
  taken: Waiting[];
  /** Every signal up to this row was put into `waiting`. */
  upTo: number;
  /** The log may hold signals after `upTo` that are not in `waiting`. */
  behind: boolean;
  /** Whether signals were left when `taken` was taken: no trigger will come for them. */
  left: boolean;
}

export class SignalInbox {
  readonly #ports: SignalInboxPorts;
  readonly #listeners = new Map<string, Listener>();
  readonly #bySource = new Map<string, Listener[]>();
  /** The listeners of an earlier daemon; null until they are read. */
  #earlier: readonly string[] | null = null;

  constructor(ports: SignalInboxPorts) {
    this.#ports = ports;
  }

  /** Replaces all listeners: the senses that listen, each with its sources. */
  setListeners(wanted: ReadonlyMap<string, ReadonlySet<string>>): void {
    const changed = this.#forget(wanted);
    this.#bySource.clear();
    for (const [name, sources] of wanted) {
      const listener = this.#listeners.get(name) ?? this.#restore(name);
      this.#listeners.set(name, listener);
      if (this.#follow(listener, sources)) changed.push(toPlaceEntry(name, listener));
      for (const source of sources) {
        const listeners = this.#bySource.get(source);
        if (listeners === undefined) this.#bySource.set(source, [listener]);
        else listeners.push(listener);
      }
    }
    if (changed.length > 0) this.#ports.places.setAll(changed);
  }

  hasListeners(sense: string): boolean {
    return this.#bySource.has(sense);
  }

  /** Keeps the signal for every sense that listens to its sense. Its row must be on disk. */
  add(signal: Signal): void {
    const listeners = this.#bySource.get(signal.sense);
    if (listeners === undefined) return;
    const added = toWaiting(signal);
    for (const listener of listeners) {
      // A listener that is behind finds the signal in the log, or has already found it there.
      if (listener.behind || signal.id <= listener.upTo) continue;
      const { length } = listener.waiting, bytes = listener.waitingBytes + added.bytes;
      listener.behind = length >= heardSignalsMax || (length > 0 && bytes > heardBytesMax);
      if (listener.behind) continue;
      listener.waiting.push(added);
      listener.waitingBytes = bytes;
      listener.upTo = signal.id;
    }
  }

  /** The signals for the sense's next compute, oldest first. Call `settle` when it has ended. */
  take(sense: string): readonly Signal[] {
    const listener = this.#listeners.get(sense);
    if (listener === undefined) return [];
    this.#refill(listener);
    const { waiting } = listener, fitting = countFitting(waiting);
    listener.taken = waiting.slice(0, fitting);
    setWaiting(listener, waiting.slice(fitting));
    listener.left = listener.waiting.length > 0 || listener.behind;
    return listener.taken.map(({ signal }) => signal);
  }

  /**
   * The compute of the last `take` has ended; `answered`: it processed the taken signals. Returns the newest waiting
   * signal if no trigger will come for those that wait.
   */
  settle(sense: string, answered: boolean): Signal | null {
    const listener = this.#listeners.get(sense);
    if (listener === undefined || listener.taken.length === 0) return null;
    const { taken } = listener;
    listener.taken = [];
    if (!answered) {
      this.#putBack(listener, taken);
      return null;
    }
    for (const { signal: { sense: source, id } } of taken) {
      if (listener.places.has(source)) listener.places.set(source, id);
    }
    this.#ports.places.setAll([toPlaceEntry(sense, listener)]);
    return listener.left ? this.newestWaiting(sense) : null;
  }

  /** The newest signal that waits for the sense; null when none does. */
  newestWaiting(sense: string): Signal | null {
    const listener = this.#listeners.get(sense);
    if (listener === undefined) return null;
    this.#refill(listener);
    return listener.waiting.at(-1)?.signal ?? null;
  }

  /** The row up to which all listeners of a source have processed its signals; null when it has no listeners. */
  heardUpTo(source: string): number | null {
    const places = (this.#bySource.get(source) ?? []).map(({ places }) => places.get(source) ?? 0);
    return places.length === 0 ? null : Math.min(...places);
  }

  listeners(): Iterable<string> {
    return this.#listeners.keys();
  }

  /**
   * Forgets the listeners that are no longer wanted, also those of an earlier daemon: their places would keep signals
   * out of the archive (store/archive/archiver.ts). Returns the entries to store.
   */
  #forget(wanted: ReadonlyMap<string, unknown>): [key: string, value: string][] {
    const { places } = this.#ports, unwanted = (name: string) => !wanted.has(name);
    if (this.#earlier === null) {
      const stored = places.keys(placePrefix).filter((key) => places.get(key) !== noPlaces);
      this.#earlier = stored.map((key) => key.slice(placePrefix.length));
    }
    const gone = [...new Set([...this.#listeners.keys(), ...this.#earlier])].filter(unwanted);
    this.#earlier = [];
    for (const name of gone) this.#listeners.delete(name);
    return gone.map((name) => [placeKey(name), noPlaces]);
  }

  #restore(name: string): Listener {
    const stored = JSON.parse(this.#ports.places.get(placeKey(name)) ?? noPlaces) as Record<string, number>;
    const places = new Map(Object.entries(stored)), behind = places.size > 0;
    const upTo = behind ? 0 : this.#ports.lastRowId();
    return { places, waiting: [], waitingBytes: 0, taken: [], upTo, behind, left: false };
  }

  /**
   * Follows new sources from now on, and forgets those that are no longer followed. Returns whether anything changed.
   */
  #follow(listener: Listener, sources: ReadonlySet<string>): boolean {
    let changed = false;
    for (const source of listener.places.keys()) {
      if (sources.has(source)) continue;
      listener.places.delete(source);
      setWaiting(listener, listener.waiting.filter(({ signal }) => signal.sense !== source));
      changed = true;
    }
    for (const source of sources) {
      if (listener.places.has(source)) continue;
      listener.places.set(source, this.#ports.lastRowId());
      changed = true;
    }
    return changed;
  }

  #refill(listener: Listener): void {
    if (!listener.behind) return;
    const found: Waiting[] = [];
    // If a source has more signals, later signals of others must wait, or the order would break.
    let horizon = Infinity;
    for (const [source, place] of listener.places) {
      const { signals, hasMore } = this.#ports.readSignals(source, Math.max(place, listener.upTo));
      for (const signal of signals) found.push(toWaiting(signal));
      if (hasMore) horizon = Math.min(horizon, signals.at(-1)?.id ?? 0);
    }
    found.sort((a, b) => a.signal.id - b.signal.id);
    const all = [...listener.waiting, ...found.filter(({ signal }) => signal.id <= horizon)];
    const kept = all.slice(0, countFitting(all));
    setWaiting(listener, kept);
    listener.upTo = Math.max(listener.upTo, kept.at(-1)?.signal.id ?? 0);
    listener.behind = kept.length < all.length || horizon < Infinity;
  }

  #putBack(listener: Listener, taken: readonly Waiting[]): void {
    const all = [...taken, ...listener.waiting].filter(({ signal }) => listener.places.has(signal.sense));
    const kept = all.slice(0, countFitting(all));
    setWaiting(listener, kept);
    if (kept.length === all.length) return;
    listener.upTo = kept.at(-1)?.signal.id ?? 0;
    listener.behind = true;
  }
}

function toWaiting(signal: Signal): Waiting {
  return { signal, bytes: byteLength(JSON.stringify(signal)) };
}

/** How many signals from the front one compute may get; at least one. */
function countFitting(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const over = waiting.findIndex((each, index) => index >= heardSignalsMax || (bytes += each.bytes) > heardBytesMax);
  return over < 0 ? waiting.length : Math.max(over, 1);
}

function setWaiting(listener: Listener, waiting: Waiting[]): void {
  listener.waiting = waiting;
  listener.waitingBytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
}

function toPlaceEntry(name: string, { places }: Listener): [string, string] {
  return [placeKey(name), JSON.stringify(Object.fromEntries(places))];
}

function placeKey(name: string): string {
  return `${placePrefix}${name}`;
}
