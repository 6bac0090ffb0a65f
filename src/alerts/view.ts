/**
 * An alert as clients see it: from a daemon (alert_operations.ts), or from the stored states (cli/stored_alerts.ts).
 */
import { alertStatesShown } from "../base/alert_limits.ts";
import type { Clock } from "../base/time.ts";
import type { AlertSilence, AlertState, AlertView } from "../protocol/alert.ts";
import type { AlertEntry } from "./entry.ts";
import type { AlertRecord } from "./record.ts";

/** `some`: at most `alertStatesShown` states that are not inactive. Firing states come first. */
export function viewAlert(entry: AlertEntry, clock: Clock, states: "all" | "some"): AlertView {
  const { name, sense, severity, workflow, when } = entry.compiled.definition;
  const records = [...entry.records.values()].sort(byUrgency);
  const shown = states === "all"
    ? records
    : records.filter(({ machine }) => machine.status !== "inactive").slice(0, alertStatesShown);
  return {
    name,
    sense,
    severity,
    workflow,
    when,
    firing: entry.count("firing"),
    pending: entry.count("pending"),
    keys: records.length,
    states: shown.map((record) => viewState(record, clock)),
    silences: listSilences(entry, clock),
    counters: { ...entry.counters },
    problem: entry.problem,
  };
}

/** The silences that are in force. */
export function listSilences(entry: AlertEntry, clock: Clock): AlertSilence[] {
  return entry.silences.filter(({ until }) => until > clock.now());
}

function viewState(
  { key, machine, since, reason, wakeAt, summary, rowId, ack }: AlertRecord,
  clock: Clock,
): AlertState {
  const { status } = machine, inMs = wakeAt === null ? null : wakeAt - clock.monotonic();
  const changesAt = inMs === null ? null : Math.round(clock.now() + Math.max(0, inMs));
  return { key, status, since, reason, changesAt, summary: status === "inactive" ? null : summary, rowId, ack };
}

const urgency = { firing: 0, pending: 1, inactive: 2 } as const;

function byUrgency(a: AlertRecord, b: AlertRecord): number {
  return urgency[a.machine.status] - urgency[b.machine.status] || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}
