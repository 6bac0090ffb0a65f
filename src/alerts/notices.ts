/**
 * Tells people: starts the workflow of an alert when it fires, again while it does, and when it has resolved. Used by
 * alert_runner.ts, which stores the states.
 * I1. A start that was decided is stored with the change that it tells, and forgotten only once the run exists. It has
 *     the id of the change's row: after any death it is asked for again, and attaches to the run if that exists.
 * I2. A silence and an acknowledgement stop starts, never the state.
 */
import { alertRetryMs } from "../base/alert_limits.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { payloadMaxBytes } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { TimerGroup } from "../base/timer_group.ts";
import type { AlertNotice } from "../protocol/alert.ts";
import { toJsonText } from "../protocol/json.ts";
import { type AlertEntry, windowToStored } from "./entry.ts";
import { findNextNotice, takeStart } from "./notice_policy.ts";
import type { AlertPorts } from "./ports.ts";
import { toPayload } from "./ports.ts";
import type { AlertRecord, DueNotice } from "./record.ts";

export interface NoticesPorts extends Pick<AlertPorts, "clock" | "startRun"> {
  /** Stores the record without a row. */
  save(entry: AlertEntry, record: AlertRecord): void;
  onFault(entry: AlertEntry, kind: string, message: string): void;
}

export type NoticeDecision = "due" | "silenced" | "limited" | "limited first" | "none";

export class AlertNotices {
  readonly #ports: NoticesPorts;
  readonly #clock: Clock;
  readonly #retries: TimerGroup;
  /** The ids of runs that are being started. */
  readonly #starting = new Set<string>();
  #stopped = false;

  constructor(ports: NoticesPorts) {
    this.#ports = ports;
    this.#clock = ports.clock;
    this.#retries = new TimerGroup(ports.clock);
  }

  /**
   * Decides whether to start the workflow for a change whose row is `rowId`, and notes that in the record, which the
   * caller stores together with `limitEntry`.
   */
  decide(entry: AlertEntry, record: AlertRecord, notice: AlertNotice, rowId: number): NoticeDecision {
    const { workflow, limit, name } = entry.compiled.definition, now = this.#clock.now();
    if (workflow === null || (notice.state === "resolved" && record.toldAt === null)) return "none";
    record.triedAt = now;
    record.heldBack = null;
    if (entry.silencedUntil(record.key, now) !== null) {
      entry.counters.silenced++;
      record.heldBack = "silenced";
      return "silenced";
    }
    const { allowed, isFirst, window } = takeStart(limit, entry.window, this.#clock.monotonic());
    entry.window = window;
    if (!allowed) {
      entry.counters.limited++;
      record.heldBack = "limited";
      return isFirst ? "limited first" : "limited";
    }
    const prompt = toPrompt(notice, record.toldAt !== null);
    if (notice.state === "firing") record.toldAt = now;
    const due: DueNotice = {
      runId: `${name}.${rowId}`,
      workflow,
      prompt,
      payload: toPayload(notice),
      causeId: rowId,
    };
    record.due = [...record.due, due];
    return "due";
  }

  /** What to store with a record about which something was decided. */
  limitEntry(entry: AlertEntry): readonly (readonly [key: string, value: string])[] {
    return entry.window === null ? [] : [[limitKey(entry.name), windowToStored(entry.window, this.#clock)]];
  }

  /** When a state that fires is told again (wall milliseconds); null: not by time alone. */
  nextAt(entry: AlertEntry, record: AlertRecord): number | null {
    const { workflow, repeatMs } = entry.compiled.definition, now = this.#clock.now();
    if (workflow === null) return null;
    // The wall clock was set back: the wait begins anew, and is no longer than it would have been.
    if (record.triedAt !== null && record.triedAt > now) record.triedAt = now;
    return findNextNotice(record, { repeatMs, silencedUntil: entry.silencedUntil(record.key, now), now });
  }

  /** Starts what is due. */
  send(entry: AlertEntry, record: AlertRecord): void {
    for (const due of record.due) {
      if (this.#stopped || this.#starting.has(due.runId)) continue;
      this.#starting.add(due.runId);
      this.#ports.startRun({ ...due, alert: record.alert }).then(
        () => this.#settle(entry, record, due),
        (thrown) => this.#onFailed(entry, record, due, thrown),
      );
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#retries.clear();
  }

  #settle(entry: AlertEntry, record: AlertRecord, { runId }: DueNotice): void {
    this.#starting.delete(runId);
    record.due = record.due.filter((each) => each.runId !== runId);
    // A state that was closed meanwhile is not stored again.
    if (!this.#stopped && entry.records.get(record.key) === record) this.#ports.save(entry, record);
  }

  #onFailed(entry: AlertEntry, record: AlertRecord, due: DueNotice, thrown: unknown): void {
    if (this.#stopped) return;
    const message = `could not start workflow ${due.workflow}: ${messageOf(thrown)}`;
    this.#ports.onFault(entry, `start ${messageOf(thrown)}`, message);
    // What the store could not take is tried again; another fault would only repeat itself.
    if (!(thrown instanceof NerveError && thrown.code === "STORE_FAILED")) return this.#settle(entry, record, due);
    this.#starting.delete(due.runId);
    this.#retries.after(alertRetryMs, () => {
      if (entry.records.get(record.key) === record) this.send(entry, record);
    });
  }
}

/** One line that says what happened. `again`: this incident was told before. */
function toPrompt({ state, summary }: AlertNotice, again: boolean): string {
  if (state === "resolved") return `resolved: ${summary}`;
  return again ? `still: ${summary}` : summary;
}

/** The notice, without the signal when the payload of a run has no room for it. */
export function fitNotice(notice: AlertNotice): AlertNotice {
  return toJsonText(toPayload(notice), payloadMaxBytes).ok ? notice : { ...notice, signal: null };
}

export function limitKey(alert: string): string {
  return `alert_limit:${alert}`;
}
