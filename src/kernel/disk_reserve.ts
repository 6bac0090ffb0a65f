/** Keeps the reserve of the log filled (store/commit/reserve.ts), and reports when it is used. Created by kernel.ts. */
import { messageOf } from "../base/errors.ts";
import { formatSize } from "../base/duration.ts";
import { reserveCheckMs, reserveFirstMs } from "../base/database_limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { Reserve, type SpareSpace } from "../store/commit/reserve.ts";

export class DiskReserve implements SpareSpace {
  readonly #reserve: Reserve;
  readonly #clock: Clock;
  readonly #report: (message: string) => void;
  readonly #stop = new AbortController();
  #cancel: CancelTimer | null = null;
  #filling: Promise<void> = Promise.resolve();
  /** The reserve is incomplete, and that was reported. */
  #reported = false;

  constructor(path: string, clock: Clock, report: (message: string) => void) {
    this.#reserve = new Reserve(path);
    this.#clock = clock;
    this.#report = report;
  }

  start(): void {
    this.#cancel = this.#clock.after(reserveFirstMs, () => this.#filling = this.#fill());
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancel?.();
    await this.#filling;
  }

  /** Resolves when the fill in progress is done. */
  filled(): Promise<void> {
    return this.#filling;
  }

  give(): boolean {
    if (!this.#reserve.give()) return false;
    if (!this.#reported) {
      this.#reported = true;
      this.#report("the disk is full: the log uses its reserve (data/reserve); free some disk space");
    }
    return true;
  }

  async #fill(): Promise<void> {
    try {
      const isFull = await this.#reserve.fill(this.#stop.signal);
      if (isFull && this.#reported) {
        this.#reported = false;
        this.#report(`the reserve of the log is whole again (${formatSize(this.#reserve.bytes)})`);
      }
    } catch (thrown) {
      if (!this.#reported) this.#report(`the reserve of the log (data/reserve) cannot be filled: ${messageOf(thrown)}`);
      this.#reported = true;
    }
    if (this.#stop.signal.aborted) return;
    this.#cancel = this.#clock.after(reserveCheckMs, () => this.#filling = this.#fill());
  }
}
