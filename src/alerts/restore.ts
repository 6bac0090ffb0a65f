/** Restores the states of alerts that an earlier daemon stored. Used by alert_runner.ts. */
import type { AlertSilence } from "../protocol/alert.ts";
import { type AlertChanges, silencesKey } from "./changes.ts";
import { type AlertEntry, windowFromStored } from "./entry.ts";
import { limitKey } from "./notices.ts";
import type { AlertStorePort, StoredState } from "./ports.ts";
import type { Clock } from "../base/time.ts";
import { fromStored } from "./record.ts";

/**
 * Fills the entries, and closes the stored states of alerts that are no longer configured, or whose sense or key
 * differs.
 */
export function restoreAlerts(
  { store, clock }: { readonly store: Pick<AlertStorePort, "loadStates" | "getValue">; readonly clock: Clock },
  entries: ReadonlyMap<string, AlertEntry>,
  changes: Pick<AlertChanges, "closeStored">,
): void {
  const orphans: StoredState[] = [];
  for (const stored of store.loadStates()) {
    const entry = entries.get(stored.alert);
    // The alert's key or sense may have changed while no daemon ran.
    const mark = (stored.state as { readonly of?: string }).of;
    if (entry === undefined || mark !== entry.mark) orphans.push(stored);
    else entry.records.set(stored.key, fromStored(stored.alert, stored.key, stored.state, clock));
  }
  for (const [alert, states] of Map.groupBy(orphans, (each) => each.alert)) {
    const why = entries.has(alert) ? "its sense or key changed" : "the alert was removed";
    changes.closeStored(alert, states.map(toClosed), why);
  }
  for (const entry of entries.values()) {
    entry.window = windowFromStored(store.getValue(limitKey(entry.name)), clock);
    entry.silences = JSON.parse(store.getValue(silencesKey(entry.name)) ?? "[]") as AlertSilence[];
  }
}

function toClosed({ key, state }: StoredState): { key: string; status: string; rowId: number | null } {
  const { machine, rowId } = state as unknown as { machine: { status: string }; rowId: number | null };
  return { key, status: machine.status, rowId };
}
