/**
 * Logs what a process had no right to say. Created by manager.ts for process_messages.ts.
 * I1. A process that says nothing but nonsense writes at most `refusalsLoggedMax` rows in `refusalWindowMs` for its
 *     workflow; what was left out is counted in the next row that is written.
 */
import { refusalsLoggedMax, refusalWindowMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { Run } from "../../protocol/run.ts";
import type { WorkflowProcess } from "./ports.ts";

/** Who speaks. */
export type Speaker = Pick<WorkflowProcess, "id" | "workflow">;

interface Window {
  openedMs: number;
  logged: number;
  leftOut: number;
}

export class RejectionLog {
  readonly #windows = new Map<string, Window>();
  readonly #read: (runId: string) => Run | null;
  readonly #clock: Clock;
  readonly #log: (row: NewLogRow) => unknown;

  constructor(read: (runId: string) => Run | null, clock: Clock, log: (row: NewLogRow) => unknown) {
    this.#read = read;
    this.#clock = clock;
    this.#log = log;
  }

  /** `said` names the kind of message, `runId` the run that it claimed to be about. */
  reject(from: Speaker, said: string, runId: string, why: string): void {
    const window = this.#window(from.workflow);
    if (window.logged >= refusalsLoggedMax) return void window.leftOut++;
    window.logged++;
    // A forged id must not put rows into the history of another workflow's run.
    const known = this.#read(runId)?.workflow === from.workflow;
    this.#log({
      source: `workflow:${from.workflow}`,
      type: "run.refused",
      refId: known ? runId : null,
      causeId: null,
      payload: { process: from.id, said, runId, why, leftOut: window.leftOut },
    });
    window.leftOut = 0;
  }

  #window(workflow: string): Window {
    const now = this.#clock.monotonic();
    let window = this.#windows.get(workflow);
    if (window === undefined) this.#windows.set(workflow, window = { openedMs: now, logged: 0, leftOut: 0 });
    if (now - window.openedMs >= refusalWindowMs) {
      window.openedMs = now;
      window.logged = 0;
    }
    return window;
  }
}
