/**
 * Tells this daemon of the runs that others work on: reads the journals of those that have changed. Used by restate_engine.ts
 * at each look, while there are other daemons.
 * I1. However long this daemon was away, it learns of what the server still keeps: up to when it has looked is stored, and
 *     runs whose end it does not know are asked for by their names.
 */
import { engineFollowedMax, engineKeptMs, engineLookMs, engineNotedMs } from "../base/engine_limits.ts";
import type { Clock } from "../base/time.ts";
import type { EngineCalls, RunInput } from "../workflow/cluster/ports.ts";
import type { RestateClient } from "./client.ts";
import { findKept, type KeptRun, listKept, readJournal } from "./journal.ts";

/** What is known of a journal that others write. */
interface Seen {
  readonly size: number;
  /** The index from which on nothing was read. */
  readonly from: number;
}

export interface FollowerParts {
  readonly client: RestateClient;
  readonly service: string;
  readonly clock: Clock;
  /** Rejects when nobody of this workspace has handed the run over. */
  readonly open: (input: unknown) => Promise<RunInput>;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #seen = new Map<string, Seen>();
  /** Runs that ended before this were looked at; null: nothing was looked at yet. */
  #since: number | null = null;
  /** What of it is stored. */
  #noted = -Infinity;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  async follow(calls: EngineCalls): Promise<void> {
    const { client, service, clock } = this.#parts, now = clock.now();
    const since = this.#since ?? calls.readFollowed() ?? now - engineKeptMs;
    const kept = await listKept(client, service, since);
    if (this.#since === null) kept.push(...await this.#findOld(calls, kept));
    for (const run of kept) await this.#followOne(run, calls);
    // The clocks of two machines differ a little.
    this.#since = now - 10 * engineLookMs;
    if (this.#since - this.#noted >= engineNotedMs) calls.writeFollowed(this.#noted = this.#since);
    const first = this.#seen.keys();
    for (let over = this.#seen.size - engineFollowedMax; over > 0; over--) this.#seen.delete(first.next().value ?? "");
  }

  /** Runs that went on elsewhere when this daemon last heard of them, and that have not changed since it looked. */
  async #findOld(calls: EngineCalls, kept: readonly KeptRun[]): Promise<KeptRun[]> {
    const listed = new Set(kept.map(({ runId }) => runId));
    const missing = calls.listElsewhere().filter((runId) => !listed.has(runId));
    return await findKept(this.#parts.client, this.#parts.service, missing);
  }

  async #followOne(run: KeptRun, calls: EngineCalls): Promise<void> {
    const { runId, size } = run, seen = this.#seen.get(runId) ?? { size: 0, from: 0 };
    if (seen.size === size || !calls.isToFollow(runId)) return;
    const entries = await readJournal(this.#parts.client, run, seen.from);
    for (const entry of entries) {
      if (!("input" in entry)) await calls.follow(runId, entry.n, entry.changes);
      else await calls.begin(await this.#parts.open(entry.input));
    }
    this.#seen.set(runId, { size, from: (entries.at(-1)?.index ?? seen.from - 1) + 1 });
  }
}
