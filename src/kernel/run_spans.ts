/**
 * How long runs took, in monotonic time: a run's own times are wall times, and the clock may be set while it runs.
 * Created by wiring.ts, which passes every change of a run through here.
 */
import type { Clock } from "../base/time.ts";
import type { Run } from "../protocol/run.ts";

export class RunSpans {
  readonly #clock: Pick<Clock, "monotonic">;
  /** When each run that this kernel saw begin was started or, before that, queued. */
  readonly #begun = new Map<string, { readonly started: boolean; readonly at: number }>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Milliseconds from a run's start, or from its request if it never started, to its end; null before its end. */
  measure({ runId, status, attempt, queuedAt, startedAt, endedAt }: Run): number | null {
    const begun = this.#begun.get(runId), started = startedAt !== null;
    if (status === "waiting" || status === "paused") {
      // Any number of runs may wait, so they must not take memory.
      this.#begun.delete(runId);
      return null;
    }
    if (endedAt === null) {
      // A later attempt of an unknown run: an earlier kernel started it.
      const isNew = begun === undefined ? attempt <= 1 : started && !begun.started;
      if (isNew) this.#begun.set(runId, { started, at: this.#clock.monotonic() });
      return null;
    }
    this.#begun.delete(runId);
    return begun?.started === started
      ? Math.round(this.#clock.monotonic() - begun.at)
      : Math.max(0, endedAt - (startedAt ?? queuedAt));
  }
}
