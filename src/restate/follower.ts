/**
 * Follows the runs that other daemons work on: reads the journals of those that have changed. Used by restate_engine.ts
 * at each check, while there are other daemons.
 * I1. However long this daemon was away, it learns everything that the server still keeps: the time of its last check
 *     is stored, and runs whose end it does not know are queried by id.
 * I2. A run that cannot be followed does not hold up others: anyone who reaches the server's ingress can create one
 *     that no daemon of this workspace has handed over. It is reported, and retried later.
 */
import { engineFollowedMax, engineKeptMs, engineLookMs, engineNotedMs } from "../base/engine_limits.ts";
import { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { EngineCalls, RunInput } from "../workflow/cluster/ports.ts";
import type { RestateClient } from "./client.ts";
import { findKept, type KeptRun, listKept, readJournal } from "./journal.ts";

/** What is known of a journal that others write. */
interface Seen {
  readonly size: number;
  /** The index of the first unread entry. */
  readonly from: number;
}

export interface FollowerParts {
  readonly client: RestateClient;
  readonly service: string;
  readonly clock: Clock;
  /** Rejects when no daemon of this workspace has handed the run over. */
  readonly open: (input: unknown) => Promise<RunInput>;
  readonly report: (thrown: unknown) => void;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #seen = new Map<string, Seen>();
  /** Runs that ended before this were checked; null: none was checked yet. */
  #since: number | null = null;
  /** The part of `#since` that is stored. */
  #noted = -Infinity;
  /** Runs that could not be followed, each with the time of that. */
  readonly #failed = new Map<string, number>();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  async follow(calls: EngineCalls): Promise<void> {
    const { client, service, clock } = this.#parts, now = clock.now();
    const since = this.#since ?? calls.readFollowed() ?? now - engineKeptMs;
    const kept = await listKept(client, service, since);
    if (this.#since === null) kept.push(...await this.#findMissing(calls.listElsewhere(), kept));
    const again = [...this.#failed].filter(([, at]) => clock.monotonic() - at >= engineNotedMs).map(([runId]) => runId);
    if (again.length > 0) kept.push(...await this.#findMissing(again, kept));
    for (const runId of again) this.#failed.delete(runId);
    for (const run of kept) await this.#tryOne(run, calls);
    // The clocks of two machines differ a little.
    this.#since = now - 10 * engineLookMs;
    if (this.#since - this.#noted >= engineNotedMs) calls.writeFollowed(this.#noted = this.#since);
    const first = this.#seen.keys();
    for (let over = this.#seen.size - engineFollowedMax; over > 0; over--) this.#seen.delete(first.next().value ?? "");
  }

  /** Finds the given runs that are not listed: they have not changed since this daemon's last check. */
  async #findMissing(runIds: readonly string[], kept: readonly KeptRun[]): Promise<KeptRun[]> {
    const listed = new Set(kept.map(({ runId }) => runId));
    const missing = runIds.filter((runId) => !listed.has(runId));
    return await findKept(this.#parts.client, this.#parts.service, missing);
  }

  async #tryOne(run: KeptRun, calls: EngineCalls): Promise<void> {
    const { clock, report } = this.#parts;
    if (this.#failed.has(run.runId)) return;
    try {
      await this.#followOne(run, calls);
    } catch (thrown) {
      if (thrown instanceof NerveError && thrown.code === "ENGINE_AWAY") throw thrown;
      this.#failed.set(run.runId, clock.monotonic());
      report(thrown);
    }
  }

  async #followOne(run: KeptRun, calls: EngineCalls): Promise<void> {
    const { runId, size } = run, seen = this.#seen.get(runId) ?? { size: 0, from: 0 };
    if (seen.size === size || !calls.isToFollow(runId)) return;
    let { from } = seen;
    for await (const entry of readJournal(this.#parts.client, run, from)) {
      if (!("input" in entry)) await calls.follow(runId, entry.n, entry.changes);
      else await calls.begin(await this.#parts.open(entry.input));
      from = entry.index + 1;
      // The next page may be late: never request again what was read.
      this.#seen.set(runId, { size: 0, from });
    }
    this.#seen.set(runId, { size, from });
  }
}
