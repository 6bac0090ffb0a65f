/**
 * Reads alerts as the last daemon left them, from nerve.yaml and the log. Loaded only when no daemon answers, by
 * commands that show alerts.
 */
import { AlertEntry } from "../alerts/entry.ts";
import { restoreAlerts } from "../alerts/restore.ts";
import { viewAlert } from "../alerts/view.ts";
import type { Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { StoreReader } from "../store/log/reader.ts";
import type { ShownAlert } from "./render/alert_schemas.ts";
import { requireConfig } from "./workspace.ts";

export async function readStoredAlerts(
  paths: WorkspacePaths,
  clock: Clock,
  states: "all" | "some",
): Promise<ShownAlert[]> {
  const { alerts } = await requireConfig(paths);
  const entries = new Map([...alerts.values()].map((each) => [each.name, new AlertEntry(each, clock)]));
  const reader = StoreReader.open(paths.logDatabase);
  if (reader !== null) {
    try {
      const store = { loadStates: () => reader.alertStates(), getValue: (key: string) => reader.value(key) };
      restoreAlerts({ store, clock }, entries, { closeStored: () => {} });
    } finally {
      reader.close();
    }
  }
  return [...entries.values()].map((entry) => ({ ...viewAlert(entry, clock, states), counters: null }));
}
