/**
 * Notifies people: starts the workflow of an alert when it fires, repeatedly while it fires, and when it has resolved.
 * Used by changes.ts, which stores the states.
 * I1. A decided start is stored with its change, and forgotten only once the run exists. Its run id contains the row of
 *     the change: after any death the start is requested again, and attaches to the run if that exists.
 * I2. Silences and acknowledgements stop starts, never changes of the state.
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
   * Decides whether to start the workflow for a change whose row is `rowId`. Notes the decision in the record, which
   * the caller stores together with `limitEntry`.
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

  /** The entry to store with a record after a decision. */
  limitEntry(entry: AlertEntry): readonly (readonly [key: string, value: string])[] {
    return entry.window === null ? [] : [[limitKey(entry.name), windowToStored(entry.window, this.#clock)]];
  }

  /** When the notice of a firing state is next due (wall milliseconds); null: not by time alone. */
  nextAt(entry: AlertEntry, record: AlertRecord): number | null {
    const { workflow, repeatMs } = entry.compiled.definition, now = this.#clock.now();
    if (workflow === null) return null;
    // The wall clock was set back: the wait starts again from now, so that it is at most one `repeat`.
    if (record.triedAt !== null && record.triedAt > now) record.triedAt = now;
    return findNextNotice(record, { repeatMs, silencedUntil: entry.silencedUntil(record.key, now), now });
  }

  /** Starts the runs that are due. */
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
    // A failure of the store is worth another try; any other fault would only repeat itself.
    if (!(thrown instanceof NerveError && thrown.code === "STORE_FAILED")) return this.#settle(entry, record, due);
    this.#starting.delete(due.runId);
    this.#retries.after(alertRetryMs, () => {
      if (entry.records.get(record.key) === record) this.send(entry, record);
    });
  }
}

/** The prompt: one line about the notice. `again`: there was an earlier notice of this incident. */
function toPrompt({ state, summary }: AlertNotice, again: boolean): string {
  if (state === "resolved") return `resolved: ${summary}`;
  return again ? `still: ${summary}` : summary;
}

/** The notice, without its signal if it would not fit into the payload of a run. */
export function fitNotice(notice: AlertNotice): AlertNotice {
  return toJsonText(toPayload(notice), payloadMaxBytes).ok ? notice : { ...notice, signal: null };
}

export function limitKey(alert: string): string {
  return `alert_limit:${alert}`;
}
