/**
 * The runs of this daemon that a distributed engine keeps: which there are, how many of their changes this daemon has
 * applied, and which of them it works on. Durable, since such a run must not be resumed as one of the local engine.
 */
import type { Run } from "../../protocol/run.ts";
import type { Change, ClusterMeta } from "./ports.ts";

/** What is known of one run. */
export interface ClusterRun {
  readonly engine: string;
  /** How many of its changes are applied here. */
  readonly applied: number;
  /** Whether the server has it. */
  readonly handed: boolean;
  /** Changes that are applied here, and that the server does not keep yet; absent: none. */
  readonly ahead?: readonly Change[];
}

/** The work on a run here, as session.ts does it. */
export interface HeldSession {
  readonly runId: string;
  readonly taken: boolean;
  submit(change: Change): Promise<boolean>;
  look(): void;
  end(isOver: boolean): void;
}

const prefix = "cluster:", followedPrefix = "followed:";

export class ClusterRuns {
  readonly #meta: ClusterMeta;
  readonly #runs = new Map<string, ClusterRun>();
  readonly #sessions = new Map<string, HeldSession>();
  /** Writes of runs that are under way. */
  readonly #writing = new Map<string, { readonly settled: Promise<unknown>; readonly certain: Run | null }>();

  constructor(meta: ClusterMeta) {
    this.#meta = meta;
    for (const key of meta.keys(prefix)) {
      const value = meta.get(key);
      if (value !== null) this.#runs.set(key.slice(prefix.length), JSON.parse(value) as ClusterRun);
    }
  }

  get(runId: string): ClusterRun | null {
    return this.#runs.get(runId) ?? null;
  }

  /** In one commit with what is written in the same turn. */
  put(runId: string, run: ClusterRun): void {
    this.#runs.set(runId, run);
    this.#meta.set(prefix + runId, JSON.stringify(run));
  }

  /** The run is over, and the server knows. */
  forget(runId: string): void {
    if (this.#runs.delete(runId)) this.#meta.remove(prefix + runId);
  }

  /** The run's last write. `certain`: what the run is once it is written, if that is certain. */
  setWriting(runId: string, write: Promise<unknown>, certain: Run | null): void {
    const settled: Promise<unknown> = Promise.allSettled([write]).then(() => {
      if (this.#writing.get(runId)?.settled === settled) this.#writing.delete(runId);
    });
    this.#writing.set(runId, { settled, certain });
  }

  /** The run as the write that is under way will have made it; null: as the store has it. */
  getCertain(runId: string): Run | null {
    return this.#writing.get(runId)?.certain ?? null;
  }

  /** Resolves when the store has all that was written of the run. */
  async whenWritten(runId: string): Promise<void> {
    for (let write = this.#writing.get(runId); write !== undefined; write = this.#writing.get(runId)) {
      await write.settled;
    }
  }

  /** The server's runs on which this daemon does not work: nothing may be done about them here. */
  isElsewhere(runId: string): boolean {
    return this.#runs.has(runId) && this.#sessions.get(runId)?.taken !== true;
  }

  listElsewhere(engine: string): string[] {
    const all = [...this.#runs].filter(([, run]) => run.engine === engine && run.handed);
    return all.flatMap(([runId]) => this.isElsewhere(runId) ? [runId] : []);
  }

  /** Up to when it is known here what other daemons did; null: they were never asked. */
  readFollowed(engine: string): number | null {
    const text = this.#meta.get(followedPrefix + engine);
    return text === null ? null : Number(text);
  }

  writeFollowed(engine: string, ms: number): void {
    this.#meta.set(followedPrefix + engine, String(ms));
  }

  get elsewhere(): number {
    return this.#runs.size - this.sessions.filter(({ taken }) => taken).length;
  }

  /** Those that the server does not have yet, in the order of their ids. */
  unhanded(): string[] {
    return [...this.#runs].filter(([, { handed }]) => !handed).map(([runId]) => runId).sort();
  }

  count(engine: string): { readonly here: number; readonly elsewhere: number; readonly waiting: number } {
    const all = [...this.#runs].filter(([, run]) => run.engine === engine);
    const here = all.filter(([runId]) => !this.isElsewhere(runId)).length;
    return { here, elsewhere: all.length - here, waiting: all.filter(([, { handed }]) => !handed).length };
  }

  sessionOf(runId: string): HeldSession | null {
    return this.#sessions.get(runId) ?? null;
  }

  get sessions(): HeldSession[] {
    return [...this.#sessions.values()];
  }

  open(session: HeldSession): void {
    this.#sessions.set(session.runId, session);
  }

  close(session: HeldSession): void {
    if (this.#sessions.get(session.runId) === session) this.#sessions.delete(session.runId);
  }
}
