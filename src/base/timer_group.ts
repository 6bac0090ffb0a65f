/** The timers of one owner, cancelled together: a stopped manager leaves none running. */
import type { CancelTimer, Clock } from "./time.ts";

export class TimerGroup {
  readonly #clock: Clock;
  readonly #set = new Set<CancelTimer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, fire: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#set.delete(cancel);
      fire();
    });
    this.#set.add(cancel);
  }

  clear(): void {
    for (const cancel of this.#set) cancel();
    this.#set.clear();
  }
}
