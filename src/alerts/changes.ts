/**
 * Writes changes: a row of the log, the signal for listeners, the state, and the start of a workflow, in one write with
 * the place up to which alerts have processed signals. Used by alert_runner.ts and alert_operations.ts.
 * I1. The stored place is never ahead of what every alert has evaluated.
 */
import type { AlertNotice } from "../protocol/alert.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import type { Signal } from "../protocol/signal.ts";
import type { AlertEntry } from "./entry.ts";
import type { AlertChange } from "./machine.ts";
import { AlertNotices, fitNotice, type NoticeDecision } from "./notices.ts";
import { type AlertPorts, type StoredState, toPayload } from "./ports.ts";
import { type AlertRecord, toStored } from "./record.ts";

/** A signal that an alert processes. `last` reads the payload of the signal before. */
export interface HeardSignal {
  readonly signal: Signal;
  last(): unknown;
}

/** The row up to which every alert has processed all signals. */
const placeKey = "alerts_heard";
/** The watched senses, each with the row after which it is watched; store/archive/held_rows.ts reads both values. */
const sensesKey = "alerts_senses";

export class AlertChanges {
  readonly #ports: AlertPorts;
  readonly notices: AlertNotices;
  heardId: number;
  #storedId: number;
  #senses: Record<string, number>;
  /** States in which only the last signal changed. */
  readonly #later = new Map<AlertRecord, AlertEntry>();

  constructor(ports: AlertPorts) {
    this.#ports = ports;
    this.notices = new AlertNotices({
      ...ports,
      save: (entry, record) => this.save(entry, record),
      onFault: (entry, kind, message) => this.tellOnce(entry, kind, message),
    });
    const { store } = ports;
    this.heardId = this.#storedId = Number(store.getValue(placeKey) ?? store.lastRowId());
    this.#senses = JSON.parse(store.getValue(sensesKey) ?? "{}") as Record<string, number>;
  }

  /** Watches these senses from now on. */
  follow(senses: Iterable<string>): void {
    const { store } = this.#ports, before = this.#senses, lastId = store.lastRowId();
    const now = Object.fromEntries([...senses].map((sense) => [sense, before[sense] ?? lastId]));
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    this.#senses = now;
    store.save([], () => ({ states: [], values: [this.#place(), [sensesKey, JSON.stringify(now)]] }));
  }

  /** The signals of watched senses that no earlier daemon has processed. */
  async *readUnheard(): AsyncGenerator<Signal> {
    for (let afterId = this.heardId, hasMore = true; hasMore;) {
      const page = this.#ports.store.readSignals(afterId);
      for (const signal of page.signals) {
        const from = this.#senses[signal.sense];
        if (from !== undefined && signal.id > from) yield signal;
      }
      afterId = page.signals.at(-1)?.id ?? afterId;
      ({ hasMore } = page);
      // Yields to other work of the event loop between two pages.
      if (hasMore) await new Promise<void>((resolve) => this.#ports.clock.after(0, resolve));
    }
  }

  /** Writes a change of a state that happened `agoMs` ago, by this signal or by time. */
  commit(entry: AlertEntry, record: AlertRecord, change: AlertChange, agoMs: number, heard: HeardSignal | null): void {
    const { machine } = record, { clock } = this.#ports, begins = change === "pending" || change === "firing";
    const causeId = this.#causeOf(record, heard);
    if (begins) {
      record.since ??= Math.round(clock.now() - agoMs);
      record.reason = machine.absent ? "absent" : "when";
    }
    record.summary = this.#summarize(entry, record, begins, heard);
    const notice = change === "firing" || change === "resolved"
      ? this.#noticeOf(entry, record, change, this.#payloadOf(record, heard))
      : null;
    const { since } = record,
      decided = this.#write(entry, record, `alert.${change}`, causeId, notice, (rowId) => {
        record.rowId = rowId;
        if (change === "pending") record.turnId = rowId;
        if (!begins) endIncident(record);
      }, { since, reason: record.reason });
    this.#follow(entry, record, decided);
  }

  /** Repeats the notice of a firing state. */
  repeat(entry: AlertEntry, record: AlertRecord): void {
    const payload = this.#payloadOf(record, null), notice = this.#noticeOf(entry, record, "firing", payload);
    const { since, reason } = record;
    const decided = this.#write(entry, record, "alert.repeated", record.rowId, notice, () => {}, { since, reason });
    this.#follow(entry, record, decided);
  }

  /** Stores a state without a row or a notice. */
  save(entry: AlertEntry, record: AlertRecord): void {
    this.#later.delete(record);
    this.#ports.store.save([], () => ({ states: [toState(entry, record)], values: [this.#place()] }));
  }

  saveLater(entry: AlertEntry, record: AlertRecord): void {
    this.#later.set(record, entry);
  }

  /** Stores the place, and the states of `saveLater`. */
  store(): void {
    if (this.heardId === this.#storedId && this.#later.size === 0) return;
    const states = [...this.#later].map(([record, entry]) => toState(entry, record));
    this.#later.clear();
    this.#ports.store.save([], () => ({ states, values: [this.#place()] }));
  }

  /** Forgets inactive states. */
  remove(records: readonly AlertRecord[]): void {
    for (const record of records) this.#later.delete(record);
    this.#ports.store.save([], () => ({ states: records.map(toRemoved), values: [this.#place()] }));
  }

  /** Forgets states whose alert was removed or changed its meaning. */
  close(alert: string, records: readonly AlertRecord[], why: string): void {
    for (const record of records) this.#later.delete(record);
    this.closeStored(alert, records.map((each) => ({ ...each, status: each.machine.status })), why);
  }

  closeStored(
    alert: string,
    states: readonly { readonly key: string; readonly status: string; readonly rowId: number | null }[],
    why: string,
  ): void {
    if (states.length === 0) return;
    const rows = states.filter(({ status }) => status !== "inactive").map(({ key, status, rowId }) => () => {
      return toRow(alert, "alert.closed", rowId, { key, was: status, why });
    });
    const removed = states.map(({ key }) => ({ alert, key, state: null }));
    this.#ports.store.save(rows, () => ({ states: removed, values: [this.#place()] }));
  }

  /** Writes the row of a person's request, with its changes. */
  request(
    entry: AlertEntry,
    type: LogType,
    payload: JsonObject,
    change: { readonly records?: readonly AlertRecord[]; readonly values?: readonly (readonly [string, string])[] },
  ): void {
    const { records = [], values = [] } = change, causeId = records.length === 1 ? records[0]?.rowId ?? null : null;
    this.#ports.store.save([() => toRow(entry.name, type, causeId, payload)], () => ({
      states: records.map((record) => toState(entry, record)),
      values: [this.#place(), ...values],
    }));
  }

  /** Records and reports a fault the first time that it occurs. */
  tellOnce(entry: AlertEntry, kind: string, message: string): void {
    if (!entry.isNewFault(kind, message)) return;
    this.#ports.store.save([() => toRow(entry.name, "alert.failed", null, { message })], () => noStates);
    this.#ports.reportProblem(entry.name, message);
  }

  stop(): void {
    this.notices.stop();
    this.store();
  }

  #write(
    entry: AlertEntry,
    record: AlertRecord,
    type: LogType,
    causeId: number | null,
    notice: AlertNotice | null,
    onRow: (rowId: number) => void,
    detail: JsonObject,
  ): NoticeDecision {
    const { name } = entry, { key, summary } = record, { severity } = entry.compiled.definition;
    let decision: NoticeDecision = "none", rowId = 0;
    const change = (id: number): NewLogRow => {
      rowId = id;
      if (notice !== null) decision = this.notices.decide(entry, record, notice, id);
      onRow(id);
      const outcome = decision === "limited first" ? "limited" : decision;
      return toRow(name, type, causeId, { key, severity, summary, ...detail, notice: outcome });
    };
    const payload = notice === null ? null : toPayload(notice);
    // Listeners get each change once; repeats are for people.
    const tells = payload !== null && type !== "alert.repeated";
    const signal = (): NewLogRow => {
      const source = `sense:${name}` as const;
      return { source, type: "sense.signal", refId: name, causeId: rowId, payload: { alert: name, payload } };
    };
    this.#later.delete(record);
    const rows = this.#ports.store.save(tells ? [change, signal] : [change], () => ({
      states: [toState(entry, record)],
      values: [this.#place(), ...this.notices.limitEntry(entry)],
    }));
    const [, row] = rows;
    if (tells && row !== undefined) this.#ports.publish({ id: row.id, sense: name, payload, ts: row.ts });
    return decision;
  }

  #follow(entry: AlertEntry, record: AlertRecord, decision: NoticeDecision): void {
    if (decision === "limited first") {
      const { limit, workflow } = entry.compiled.definition;
      const message = `its limit of ${limit.count} starts is reached: further ones are left out until it ends`;
      const payload = { workflow, count: limit.count, perMs: limit.perMs, message };
      this.#ports.store.save([() => toRow(entry.name, "alert.limited", record.rowId, payload)], () => noStates);
      this.#ports.reportProblem(entry.name, message);
    }
    this.notices.send(entry, record);
  }

  #causeOf(record: AlertRecord, heard: HeardSignal | null): number | null {
    if (heard !== null) return heard.signal.id;
    return record.machine.absent ? record.lastId : record.turnId ?? record.rowId;
  }

  #payloadOf({ lastId }: AlertRecord, heard: HeardSignal | null): unknown {
    return heard !== null ? heard.signal.payload : lastId === null ? null : this.#ports.store.readPayload(lastId);
  }

  #summarize(entry: AlertEntry, record: AlertRecord, begins: boolean, heard: HeardSignal | null): string {
    const { compiled } = entry, { key } = record;
    if (begins && record.machine.absent) return compiled.summarizeAbsence(key);
    const signal = this.#payloadOf(record, heard), last = heard?.last ?? (() => null);
    const { summary, fault } = compiled.summarize({ signal, key, last });
    if (fault !== null) {
      this.tellOnce(entry, `${fault.expression} ${fault.message}`, `${fault.expression} failed: ${fault.message}`);
    }
    return summary;
  }

  #noticeOf(
    { compiled: { definition: { name, severity } } }: AlertEntry,
    { key, since, summary }: AlertRecord,
    state: AlertNotice["state"],
    signal: unknown,
  ): AlertNotice {
    return fitNotice({
      alert: name,
      key,
      state,
      since: since ?? this.#ports.clock.now(),
      severity,
      summary: summary ?? name,
      signal,
    });
  }

  #place(): readonly [string, string] {
    this.#storedId = this.heardId;
    return [placeKey, String(this.heardId)];
  }
}

const noStates = { states: [], values: [] } as const;

function endIncident(record: AlertRecord): void {
  const ended = { since: null, reason: null, turnId: null, toldAt: null, triedAt: null, heldBack: null, ack: null };
  Object.assign(record, ended);
}

function toState(entry: AlertEntry, record: AlertRecord): StoredState {
  const state: Json = { ...toStored(record, entry.clock), of: entry.mark };
  return { alert: record.alert, key: record.key, state };
}

function toRemoved({ alert, key }: AlertRecord): StoredState {
  return { alert, key, state: null };
}

function toRow(alert: string, type: LogType, causeId: number | null, payload: JsonObject): NewLogRow {
  return { source: `alert:${alert}`, type, refId: alert, causeId, payload };
}

export function silencesKey(alert: string): string {
  return `alert_silences:${alert}`;
}
