/** A run and a sense as the control API shows them. */
import type { SenseView } from "../../src/protocol/api.ts";
import type { Run } from "../../src/protocol/run.ts";

export function aRun(change: Partial<Run> = {}): Run {
  return {
    runId: "run-1",
    workflow: "cleanup",
    status: "completed",
    exitCode: 0,
    attempt: 1,
    rounds: 2,
    maxRounds: 10,
    prompt: "tidy up",
    payload: { path: "/" },
    trigger: { kind: "manual" },
    causeId: null,
    reason: null,
    queuedAt: 1_000,
    startedAt: 1_100,
    endedAt: 1_900,
    ...change,
  };
}

export function aSense(change: Partial<SenseView> = {}): SenseView {
  return {
    name: "cpu-usage",
    use: null,
    paused: null,
    silences: {},
    group: "system",
    state: "idle",
    reflexes: ["every 10s"],
    nextDue: 20_000,
    lastCompute: { id: 3, at: 10_000, durationMs: 4, outcome: "signal", detail: null },
    lastSignal: { id: 12, sense: "cpu-usage", payload: { used: 0.93 }, ts: 10_004 },
    counters: {
      computes: 3,
      signals: 1,
      runs: 0,
      null: 2,
      throttled: 1,
      coalesced: 0,
      timeout: 0,
      error: 0,
      group_down: 0,
    },
    problem: null,
    ...change,
  };
}
