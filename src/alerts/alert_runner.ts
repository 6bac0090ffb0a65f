/**
 * Runs the alerts of the configuration: evaluates signals, runs timers, and records changes. Created by
 * kernel/alert_wiring.ts. machine.ts decides the changes of a state, notices.ts the notices, changes.ts writes.
 * I1. Each signal of a watched sense is evaluated at least once, whatever dies: the place up to which every alert has
 *     processed signals is stored with each change. A state ignores a signal that it has already processed.
 * I2. A change, its row, the signal for its listeners and the start of a workflow are one write.
 */
import { isDeepEqual } from "../base/deep_equal.ts";
import { alertSettleMs, alertStoreMs } from "../base/alert_limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { type HeapTimer, TimerHeap } from "../base/timer_heap.ts";
import type { AlertDefinition } from "../protocol/alert.ts";
import type { Signal } from "../protocol/signal.ts";
import { AlertChanges, type HeardSignal } from "./changes.ts";
import { AlertEntry } from "./entry.ts";
import { type AlertChange, type MachineState, type Observation, step } from "./machine.ts";
import type { AlertPorts } from "./ports.ts";
import { type AlertRecord, createRecord } from "./record.ts";
import type { AlertFault } from "./rule.ts";
import { restoreAlerts } from "./restore.ts";

const silent: Observation = { verdict: null };

export class AlertRunner {
  readonly #ports: AlertPorts;
  readonly #clock: Clock;
  readonly #entries = new Map<string, AlertEntry>();
  #bySense = new Map<string, AlertEntry[]>();
  readonly #timers: TimerHeap;
  readonly #armed = new Map<AlertRecord, HeapTimer>();
  readonly #changes: AlertChanges;
  /** Until this time (monotonic) only signals and absence change a state. */
  #settleAt = -Infinity;
  #state: "new" | "starting" | "running" | "stopped" = "new";
  /** Signals that came while earlier ones were still being read; they are processed after those. */
  readonly #early: Signal[] = [];
  #restored = false;
  #cancelStore: CancelTimer | null = null;
  #unfollow: CancelTimer | null = null;

  constructor(ports: AlertPorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
    this.#timers = new TimerHeap(ports.clock);
    this.#changes = new AlertChanges(ports);
  }

  /** The alerts of the configuration; `alert_operations.ts` shows and changes them. */
  get entries(): ReadonlyMap<string, AlertEntry> {
    return this.#entries;
  }

  get changes(): AlertChanges {
    return this.#changes;
  }

  /** Replaces all definitions. An alert whose definition is the same keeps its states and timers. */
  configure(definitions: Iterable<AlertDefinition>): void {
    const wanted = new Map([...definitions].map((each) => [each.name, each]));
    for (const [name, entry] of this.#entries) {
      if (wanted.has(name)) continue;
      this.#close(entry, [...entry.records.values()], "the alert was removed");
      this.#entries.delete(name);
    }
    const added: AlertEntry[] = [];
    for (const definition of wanted.values()) {
      const entry = this.#entries.get(definition.name);
      if (entry === undefined) {
        const made = new AlertEntry(definition, this.#clock);
        this.#entries.set(definition.name, made);
        added.push(made);
      } else if (!isDeepEqual(entry.compiled.definition, definition)) this.#redefine(entry, definition);
    }
    if (!this.#restored) restoreAlerts(this.#ports, this.#entries, this.#changes);
    this.#restored = true;
    for (const entry of this.#entries.values()) this.#ensureFirst(entry);
    this.#bySense = Map.groupBy(this.#entries.values(), ({ compiled }) => compiled.definition.sense);
    this.#changes.follow(this.#bySense.keys());
    if (this.#state === "running") { for (const entry of added) this.#wakeAll(entry); }
  }

  /** Processes the signals that the last daemon did not process, and starts the timers. */
  async start(): Promise<void> {
    this.#settleAt = this.#clock.monotonic() + alertSettleMs;
    this.#state = "starting";
    for await (const signal of this.#changes.readUnheard()) this.#hear(signal, this.#timeOf(signal));
    if (!this.#isStarting()) return;
    this.#state = "running";
    // A signal that was also read from the log meanwhile is not processed again.
    for (const signal of this.#early.splice(0)) if (signal.id > this.#changes.heardId) this.onSignal(signal);
    for (const entry of this.#entries.values()) {
      this.#wakeAll(entry);
      for (const record of entry.records.values()) this.#changes.notices.send(entry, record);
    }
    this.#unfollow = this.#clock.onSet(() => {
      for (const entry of this.#entries.values()) for (const each of entry.records.values()) this.#arm(entry, each);
    });
  }

  /** Called for every signal once it is on disk, in the order of the log. */
  onSignal(signal: Signal): void {
    if (!this.#bySense.has(signal.sense)) return;
    if (this.#state === "starting") this.#early.push(signal);
    else if (this.#state === "running") this.#hear(signal, this.#clock.monotonic());
  }

  /** Resets the timers of an alert's states after a silence began or ended, or an acknowledgement. */
  rearm(entry: AlertEntry): void {
    for (const record of entry.records.values()) this.#arm(entry, record);
  }

  stop(): void {
    this.#state = "stopped";
    this.#cancelStore?.();
    this.#unfollow?.();
    this.#timers.clear();
    this.#changes.stop();
  }

  /** False if the runner was stopped during an `await`. */
  #isStarting(): boolean {
    return this.#state === "starting";
  }

  #hear(signal: Signal, at: number): void {
    for (const entry of this.#bySense.get(signal.sense) ?? []) this.#hearOne(entry, signal, at);
    this.#changes.heardId = Math.max(this.#changes.heardId, signal.id);
    this.#cancelStore ??= this.#clock.after(alertStoreMs, () => {
      this.#cancelStore = null;
      this.#changes.store();
    });
  }

  #hearOne(entry: AlertEntry, signal: Signal, at: number): void {
    const { compiled } = entry, key = compiled.keyOf(signal.payload);
    entry.counters.evaluated++;
    if (key.fault !== null) {
      this.#onFault(entry, key.fault);
      const first = entry.records.get("");
      if (first !== undefined) this.#step(entry, first, at, silent, null);
      return;
    }
    const known = entry.records.get(key.value) ?? null;
    // The signal was processed before the daemon ended.
    if (known !== null && known.lastId !== null && signal.id <= known.lastId) return;
    const { lastId = null } = known ?? {};
    const input = {
      signal: signal.payload,
      key: key.value,
      last: () => lastId === null ? null : this.#ports.store.readPayload(lastId),
    };
    const { observation, fault } = compiled.observe(input, known?.machine.holds ?? false);
    if (fault !== null) this.#onFault(entry, fault);
    const needsState = observation.verdict?.when === true || compiled.usesLast || compiled.rule.absentMs !== null;
    if (known === null && !needsState) return;
    const record = known ?? this.#admit(entry, key.value, at);
    if (record !== null) this.#step(entry, record, at, observation, { signal, last: input.last });
  }

  /** A state for a new key; null when there are too many. */
  #admit(entry: AlertEntry, key: string, at: number): AlertRecord | null {
    const waiting = key === "" ? undefined : entry.records.get("");
    // This state stood for keys that were not known yet.
    if (waiting !== undefined && entry.compiled.definition.key !== null && waiting.lastId === null) {
      this.#step(entry, waiting, at, silent, null);
      this.#forget(entry, waiting);
    }
    const room = entry.findRoom();
    if (room === undefined) {
      entry.counters.keysRefused++;
      const message = `more than ${entry.records.size} keys: signals with further ones are not evaluated`;
      this.#changes.tellOnce(entry, "keys", message);
      return null;
    }
    if (room !== null) this.#forget(entry, room);
    const record = createRecord(entry.name, key, at);
    entry.records.set(key, record);
    if (entry.compiled.rule.absentMs !== null) this.#changes.save(entry, record);
    return record;
  }

  #step(
    entry: AlertEntry,
    record: AlertRecord,
    at: number,
    observation: Observation | null,
    heard: HeardSignal | null,
  ): void {
    const before = record.machine;
    const { state, change, wakeAt } = step(entry.compiled.rule, before, at, observation, this.#settleAt);
    record.machine = state;
    record.wakeAt = wakeAt;
    if (heard !== null) record.lastId = heard.signal.id;
    this.#record(entry, record, before, change, at, heard);
    this.#arm(entry, record);
  }

  #record(
    entry: AlertEntry,
    record: AlertRecord,
    before: MachineState,
    change: AlertChange | null,
    at: number,
    heard: HeardSignal | null,
  ): void {
    const { machine } = record;
    if (change !== null) return this.#changes.commit(entry, record, change, this.#clock.monotonic() - at, heard);
    if (machine.clearedAt !== null && before.clearedAt === null) record.turnId = heard?.signal.id ?? record.lastId;
    const turned = machine.holds !== before.holds || machine.absent !== before.absent ||
      machine.clearedAt !== before.clearedAt;
    if (turned) this.#changes.save(entry, record);
    else if (heard !== null && entry.compiled.usesLast) this.#changes.saveLater(entry, record);
  }

  #wake(entry: AlertEntry, record: AlertRecord): void {
    this.#armed.delete(record);
    if (this.#state !== "running") return;
    this.#step(entry, record, this.#clock.monotonic(), null, null);
    const nextAt = this.#changes.notices.nextAt(entry, record);
    if (nextAt === null || nextAt > this.#clock.now() || this.#clock.monotonic() < this.#settleAt) return;
    this.#changes.repeat(entry, record);
    this.#arm(entry, record);
  }

  #wakeAll(entry: AlertEntry): void {
    for (const record of [...entry.records.values()]) this.#wake(entry, record);
  }

  #arm(entry: AlertEntry, record: AlertRecord): void {
    const armed = this.#armed.get(record);
    if (armed !== undefined) this.#timers.cancel(armed);
    this.#armed.delete(record);
    if (this.#state !== "running" || entry.records.get(record.key) !== record) return;
    const nextAt = this.#changes.notices.nextAt(entry, record), now = this.#clock.monotonic();
    const tellAt = nextAt === null ? Infinity : Math.max(this.#settleAt, now + Math.max(0, nextAt - this.#clock.now()));
    const due = Math.min(record.wakeAt ?? Infinity, tellAt);
    if (due < Infinity) this.#armed.set(record, this.#timers.add(due, () => this.#wake(entry, record)));
  }

  #redefine(entry: AlertEntry, definition: AlertDefinition): void {
    const before = entry.compiled.definition;
    entry.redefine(definition);
    const moved = (["sense", "key"] as const).filter((name) => before[name] !== definition[name]);
    if (moved.length > 0) this.#close(entry, [...entry.records.values()], `its ${moved.join(" and ")} changed`);
    const now = this.#clock.monotonic();
    for (const record of entry.records.values()) {
      // Absence counts from when `absent` was added.
      if (before.absentMs === null) record.machine = { ...record.machine, seenAt: now };
    }
    if (this.#state === "running") this.#wakeAll(entry);
  }

  /**
   * Creates the state that exists without any signal: for an alert without `key`, or to notice that no signal comes at
   * all.
   */
  #ensureFirst(entry: AlertEntry): void {
    const { definition: { key, absentMs } } = entry.compiled;
    if (entry.records.has("") || (key !== null && (absentMs === null || entry.records.size > 0))) return;
    const record = createRecord(entry.name, "", this.#clock.monotonic());
    entry.records.set("", record);
    if (this.#state === "running") this.#wake(entry, record);
  }

  #forget(entry: AlertEntry, record: AlertRecord): void {
    entry.records.delete(record.key);
    this.#arm(entry, record);
    this.#changes.remove([record]);
  }

  #close(entry: AlertEntry, records: readonly AlertRecord[], why: string): void {
    for (const record of records) {
      entry.records.delete(record.key);
      this.#arm(entry, record);
    }
    this.#changes.close(entry.name, records, why);
  }

  #onFault(entry: AlertEntry, { expression, message }: AlertFault): void {
    entry.counters.failed++;
    this.#changes.tellOnce(entry, `${expression} ${message}`, `${expression} failed: ${message}`);
  }

  /** When an earlier signal came, in this process's monotonic time; not in the future. */
  #timeOf({ ts }: Signal): number {
    return this.#clock.monotonic() - Math.max(0, this.#clock.now() - ts);
  }
}
