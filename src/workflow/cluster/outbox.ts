/**
 * Hands runs to the servers of their engines, until each server confirms that it keeps the run. Used by engines.ts.
 * I1. Runs are handed over in the order in which they were started, as far as their servers answer. No failure loses a
 *     run.
 */
import { calculateBackoff } from "../../base/backoff.ts";
import { messageOf } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import { isTerminal } from "../transitions.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import type { Mirror } from "./mirror.ts";
import type { EngineServer, LocalRuns } from "./ports.ts";

export interface OutboxParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly mirror: Pick<Mirror, "write">;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  readonly serverOf: (engine: string) => EngineServer | null;
}

/** How many runs are handed over at a time. */
const handsMax = 16;

export class Outbox {
  readonly #parts: OutboxParts;
  /** In order. */
  readonly #waiting = new Set<string>();
  readonly #busy = new Set<string>();
  #failures = 0;
  #cancel: CancelTimer | null = null;
  #open = false;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
    for (const runId of parts.runs.unhanded()) this.#waiting.add(runId);
  }

  open(): void {
    this.#open = true;
    this.look();
  }

  close(): void {
    this.#open = false;
    this.#cancel?.();
  }

  hand(runId: string): void {
    this.#waiting.add(runId);
    if (this.#cancel === null) this.look();
  }

  /** Hands over what waits. */
  look(): void {
    this.#cancel?.();
    this.#cancel = null;
    for (const runId of this.#waiting) {
      if (!this.#open || this.#cancel !== null || this.#busy.size >= handsMax) return;
      if (!this.#busy.has(runId)) void this.#hand(runId);
    }
  }

  async #hand(runId: string): Promise<void> {
    const { store, runs, mirror, serverOf, reportProblem } = this.#parts;
    this.#busy.add(runId);
    const known = runs.get(runId), run = store.get(runId);
    try {
      if (known === null || known.handed || run === null || isTerminal(run.status)) this.#waiting.delete(runId);
      else {
        const server = serverOf(known.engine);
        if (server === null) throw new Error(`engine ${known.engine} is not in nerve.yaml`);
        const isOurs = await server.submit({ run, starts: store.readPlanned(runId) });
        // Or it was handed over before, and the answer was lost.
        const kept = isOurs ? null : await server.find(runId);
        if (kept !== null) await mirror.write(kept);
        const now = runs.get(runId);
        // The server may have handed it back already.
        if (now !== null && !now.handed) runs.put(runId, { ...now, handed: true });
        this.#waiting.delete(runId);
        this.#failures = 0;
      }
    } catch (thrown) {
      if (this.#failures++ === 0) reportProblem(`run ${runId} waits, and nothing is lost: ${messageOf(thrown)}`);
      this.#later();
    } finally {
      this.#busy.delete(runId);
      if (this.#cancel === null) this.look();
    }
  }

  #later(): void {
    if (this.#cancel !== null || !this.#open) return;
    const ms = calculateBackoff(this.#failures, backoffFirstMs, backoffMaxMs);
    this.#cancel = this.#parts.clock.after(ms, () => {
      this.#cancel = null;
      this.look();
    });
  }
}
