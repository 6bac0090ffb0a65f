/** The timers of one owner, which are cancelled together, so that a stopped manager leaves none running. */
import type { CancelTimer, Clock } from "./time.ts";

export class TimerGroup {
  readonly #clock: Clock;
  readonly #set = new Set<CancelTimer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, fire: () => void): void {
    this.#add((done) => this.#clock.after(ms, done), fire);
  }

  /** See `Clock.at`. */
  at(dueMs: number, fire: () => void): void {
    this.#add((done) => this.#clock.at(dueMs, done), fire);
  }

  clear(): void {
    for (const cancel of this.#set) cancel();
    this.#set.clear();
  }

  #add(set: (done: () => void) => CancelTimer, fire: () => void): void {
    const cancel = set(() => {
      this.#set.delete(cancel);
      fire();
    });
    this.#set.add(cancel);
  }
}
