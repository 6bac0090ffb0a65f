/** An alert that fires, as clients see it. */
import type { AlertView } from "../../src/protocol/alert.ts";

export function anAlert(change: Partial<AlertView> = {}): AlertView {
  return {
    name: "disk-full",
    sense: "disk-usage",
    severity: "critical",
    workflow: "notify",
    when: "signal.used > 0.9",
    firing: 1,
    pending: 0,
    keys: 1,
    states: [{
      key: "/",
      status: "firing",
      since: 10_000,
      reason: "when",
      changesAt: null,
      summary: "/ is 93% full",
      rowId: 13,
      ack: null,
    }],
    silences: [],
    counters: { evaluated: 3, failed: 0, limited: 0, silenced: 0, keysRefused: 0 },
    problem: null,
    ...change,
  };
}
