/** The log's store in a temporary folder, on the fake clock, with rows and runs to store. */
import type { RunWait } from "../../src/protocol/run_wait.ts";
import { join } from "node:path";
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { FakeClock } from "./fake_clock.ts";
import { inTempDir } from "./temp_workspace.ts";

export interface StoreBench {
  store: Store;
  readonly path: string;
  readonly clock: FakeClock;
  /** Closes the store and opens it again. */
  reopen(): Promise<void>;
}

export function withStore(test: (bench: StoreBench) => Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    const path = join(root, "data", "logs.db"), clock = new FakeClock();
    const bench: StoreBench = {
      store: openStore(path, clock),
      path,
      clock,
      async reopen() {
        await bench.store.close();
        bench.store = openStore(path, clock);
      },
    };
    try {
      await test(bench);
    } finally {
      await bench.store.close();
    }
  });
}

export function newRow(change: Partial<NewLogRow> = {}): NewLogRow {
  return { source: "sense:cpu", type: "sense.signal", refId: "cpu", causeId: null, payload: { used: 0.5 }, ...change };
}

/** A row about a run, by default that of its start. */
export function runRow(runId: string, change: Partial<NewLogRow> = {}): NewLogRow {
  return newRow({ source: "workflow:cleanup", type: "run.started", refId: runId, payload: {}, ...change });
}

export function newRun(runId: string, change: Partial<Run> = {}): Run {
  const started = (change.status ?? "started") === "started";
  return {
    runId,
    workflow: "cleanup",
    status: "started",
    exitCode: null,
    attempt: started ? 1 : 0,
    rounds: 0,
    maxRounds: 10,
    prompt: "clean up",
    payload: { path: "/" },
    trigger: { kind: "manual" },
    causeId: null,
    reason: null,
    queuedAt: 1_000,
    startedAt: started ? 1_000 : null,
    endedAt: null,
    ...change,
  };
}

/** The wait of a run that has `round` - 1 messages and sleeps. */
export function sleepOf(round: number): RunWait {
  const boot = { id: "b", ms: 5 };
  return {
    round,
    role: "cool",
    kind: "sleep",
    since: { wall: 7, boot },
    due: 60 + round,
    dueBoot: { id: "b", ms: 58 },
    event: null,
  };
}

/** Retries, as kernel/wal_watch.ts does: the commit thread may hold the file at that moment, when the disk is slow. */
export function restoreWal(store: Store): Promise<boolean> {
  return store.restoreWal().catch((thrown) => {
    return /a reader holds it/.test(String(thrown)) ? restoreWal(store) : Promise.reject(thrown);
  });
}
