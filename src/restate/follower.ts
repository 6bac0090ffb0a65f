/**
 * Tells this daemon of the runs that others work on: reads the journals of those that have changed. Used by restate_engine.ts
 * at each look, while there are other daemons.
 */
import { engineFollowedMax, engineLookMs } from "../base/engine_limits.ts";
import type { Clock } from "../base/time.ts";
import type { EngineCalls } from "../workflow/cluster/ports.ts";
import type { RestateClient } from "./client.ts";
import { listKept, readJournal } from "./journal.ts";

/** What is known of a journal that others write. */
interface Seen {
  readonly size: number;
  /** The index from which on nothing was read. */
  readonly from: number;
}

export class Follower {
  readonly #client: RestateClient;
  readonly #service: string;
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();
  /** Runs that ended before this were looked at. */
  #since: number;

  constructor(client: RestateClient, service: string, clock: Clock) {
    this.#client = client;
    this.#service = service;
    this.#clock = clock;
    this.#since = clock.now() - 24 * 3_600_000;
  }

  async follow(calls: EngineCalls): Promise<void> {
    const now = this.#clock.now(), kept = await listKept(this.#client, this.#service, this.#since);
    for (const run of kept) {
      const { runId, size } = run, seen = this.#seen.get(runId) ?? { size: 0, from: 0 };
      if (calls.isHere(runId) || seen.size === size) continue;
      const entries = await readJournal(this.#client, run, seen.from);
      for (const entry of entries) {
        if ("input" in entry) await calls.begin(entry.input);
        else await calls.follow(runId, entry.n, entry.changes);
      }
      this.#seen.set(runId, { size, from: (entries.at(-1)?.index ?? seen.from - 1) + 1 });
    }
    // The clocks of two machines differ a little.
    this.#since = now - 10 * engineLookMs;
    const first = this.#seen.keys();
    for (let over = this.#seen.size - engineFollowedMax; over > 0; over--) this.#seen.delete(first.next().value ?? "");
  }
}
