/** Counts the prompts in progress of each agent; further ones wait in order. Used by agent_host.ts and sessions.ts. */

interface Queue {
  taken: number;
  readonly waiting: { readonly max: number; readonly begin: () => void }[];
}

export class Slots {
  readonly #queues = new Map<string, Queue>();

  /** Resolves with the function that releases the slot, once there is one. Rejects with the reason of `signal`. */
  take(name: string, max: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const queue = this.#queues.get(name) ?? { taken: 0, waiting: [] };
    this.#queues.set(name, queue);
    const release = () => {
      queue.taken--;
      const next = queue.waiting[0];
      if (next !== undefined && queue.taken < next.max) next.begin();
    };
    if (queue.taken < max) {
      queue.taken++;
      return Promise.resolve(release);
    }
    return new Promise((resolve, reject) => {
      const leave = () => queue.waiting.splice(queue.waiting.findIndex((each) => each === waiter), 1);
      const abort = () => {
        leave();
        reject(signal.reason);
      };
      const waiter = {
        max,
        begin: () => {
          leave();
          signal.removeEventListener("abort", abort);
          queue.taken++;
          resolve(release);
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      queue.waiting.push(waiter);
    });
  }
}
