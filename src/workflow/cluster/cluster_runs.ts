/**
 * The runs of this daemon that a distributed engine keeps: which ones exist, how many of their changes this daemon has
 * applied, and which ones it works on. Durable, because such a run must not be resumed as a run of the local engine.
 */
import type { Run } from "../../protocol/run.ts";
import type { Change, ClusterMeta } from "./ports.ts";

/** The stored facts about one run. */
export interface ClusterRun {
  readonly engine: string;
  /** How many of the run's changes are applied here. */
  readonly applied: number;
  /** Whether the server has it. */
  readonly handed: boolean;
  /** Changes that are applied here, but that the server does not keep yet; absent: none. */
  readonly ahead?: readonly Change[];
}

/** This daemon's work on a run, as session.ts does it. */
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
  /** Writes of runs in progress. */
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

  /** Takes effect in one commit with what is written in the same turn. */
  put(runId: string, run: ClusterRun): void {
    this.#runs.set(runId, run);
    this.#meta.set(prefix + runId, JSON.stringify(run));
  }

  /** The run is over, and the server knows. */
  forget(runId: string): void {
    if (this.#runs.delete(runId)) this.#meta.remove(prefix + runId);
  }

  /** Tracks the run's last write. `certain`: what the run is once it is written, if that is certain. */
  setWriting(runId: string, write: Promise<unknown>, certain: Run | null): void {
    const settled: Promise<unknown> = Promise.allSettled([write]).then(() => {
      if (this.#writing.get(runId)?.settled === settled) this.#writing.delete(runId);
    });
    this.#writing.set(runId, { settled, certain });
  }

  /** The run as the write in progress will leave it; null: use the run as stored. */
  getCertain(runId: string): Run | null {
    return this.#writing.get(runId)?.certain ?? null;
  }

  /** Resolves when the store has all writes of the run. */
  async whenWritten(runId: string): Promise<void> {
    for (let write = this.#writing.get(runId); write !== undefined; write = this.#writing.get(runId)) {
      await write.settled;
    }
  }

  /** Whether the server keeps the run and this daemon does not work on it: this daemon must not touch it. */
  isElsewhere(runId: string): boolean {
    return this.#runs.has(runId) && this.#sessions.get(runId)?.taken !== true;
  }

  listElsewhere(engine: string): string[] {
    const all = [...this.#runs].filter(([, run]) => run.engine === engine && run.handed);
    return all.flatMap(([runId]) => this.isElsewhere(runId) ? [runId] : []);
  }

  /** The time up to which this daemon knows what others did; null: it has never asked. */
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

  /** Runs that the server does not have yet, in the order of their ids. */
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
