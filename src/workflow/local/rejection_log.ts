/**
 * Logs rejected messages of processes. Created by manager.ts.
 * I1. The processes of a workflow cause at most `rejectionsLoggedMax` rows in `rejectionWindowMs`, whatever they send.
 *     The next row after that counts those left out.
 */
import { rejectionsLoggedMax, rejectionWindowMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { Run } from "../../protocol/run.ts";
import type { WorkflowProcess } from "./ports.ts";

/** The process that sent a message. */
export type MessageSender = Pick<WorkflowProcess, "id" | "workflow">;

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

  /** `kind` is the kind of message, `runId` the run that it claimed to be about. */
  reject(sender: MessageSender, kind: string, runId: string, why: string): void {
    const window = this.#openWindow(sender.workflow);
    if (window.logged >= rejectionsLoggedMax) return void window.leftOut++;
    window.logged++;
    // A forged id must not put rows into the history of another workflow's run.
    const isOwnRun = this.#read(runId)?.workflow === sender.workflow;
    this.#log({
      source: `workflow:${sender.workflow}`,
      type: "run.refused",
      refId: isOwnRun ? runId : null,
      causeId: null,
      payload: { process: sender.id, said: kind, runId, why, leftOut: window.leftOut },
    });
    window.leftOut = 0;
  }

  #openWindow(workflow: string): Window {
    const now = this.#clock.monotonic();
    let window = this.#windows.get(workflow);
    if (window === undefined) this.#windows.set(workflow, window = { openedMs: now, logged: 0, leftOut: 0 });
    if (now - window.openedMs >= rejectionWindowMs) {
      window.openedMs = now;
      window.logged = 0;
    }
    return window;
  }
}
