/**
 * How long a process had work: a compute, a run, or code to load. Owned by unit_process.ts; memory_watch.ts compares it
 * with the processor time that the process used.
 * I1. Work that begins and ends between two checks counts: it is recorded with the messages that begin and end it.
 */
import { defaultTimeoutMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { FromProcess, ToProcess } from "../protocol/message.ts";

export class BusyTime {
  readonly #clock: Clock;
  readonly #hasWork: () => boolean;
  #sinceMs: number | null;
  #totalMs = 0;
  #loads = 0;
  /** After this, code that never finishes loading no longer counts as work. */
  #loadsUntilMs = 0;

  /** Begins with work: a starting process loads nerve's own code. */
  constructor(clock: Clock, hasWork: () => boolean) {
    this.#clock = clock;
    this.#hasWork = hasWork;
    this.#sinceMs = clock.monotonic();
  }

  onSent({ t }: ToProcess): void {
    if (t === "ping") return;
    const now = this.#clock.monotonic();
    if (t === "load" || t === "load_workflow") {
      this.#loadsUntilMs = now + defaultTimeoutMs;
      this.#loads++;
    }
    this.#sinceMs ??= now;
  }

  onReceived({ t }: FromProcess): void {
    if (t === "loaded" && this.#loads > 0) this.#loads--;
    if (t !== "pong") this.update();
  }

  /** The milliseconds of work until now. */
  update(): number {
    const now = this.#clock.monotonic(), busy = this.#hasWork() || (this.#loads > 0 && now < this.#loadsUntilMs);
    if (this.#sinceMs !== null) {
      this.#totalMs += now - this.#sinceMs;
      this.#sinceMs = now;
    }
    if (!busy) this.#sinceMs = null;
    else this.#sinceMs ??= now;
    return this.#totalMs;
  }
}
