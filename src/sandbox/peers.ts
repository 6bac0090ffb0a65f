/**
 * `ctx.peers`: other senses' databases, read-only, opened on first use. A workspace may have 2,000 senses: an object
 * with a handle or a getter for each would cost every process megabytes. Used by both runtimes.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ProcessSpec } from "../protocol/message.ts";
import type { SenseDatabase } from "../sdk/sense.ts";
import { openDatabase } from "../store/sqlite/database.ts";
import type { DrizzleDatabase } from "../store/sqlite/drizzle.ts";

export type Peers = Readonly<Record<string, SenseDatabase | undefined>>;

/** Who reads: a sense, which is none of its own peers, or a workflow. */
export interface PeerReader {
  /** Null: a workflow. */
  readonly sense: string | null;
  readonly peers: "all" | readonly string[];
}

/** An object whose keys are the peers of `reader`. Reading a peer throws while that sense has no database yet. */
export function openPeers(
  { senseDatabases }: ProcessSpec,
  reader: PeerReader,
  allSenses: () => ReadonlySet<string>,
  /** Receives, for each peer that was opened, what closes it; the next use opens it anew. */
  onOpened: (name: string, close: () => void) => void,
  createDrizzle: (db: DatabaseSync) => DrizzleDatabase,
): Peers {
  const listed = new Set(reader.peers === "all" ? [] : reader.peers);
  const names = () => reader.peers === "all" ? allSenses() : listed;
  const isPeer = (name: unknown): name is string =>
    typeof name === "string" && name !== reader.sense && names().has(name);
  const opened = new Map<string, SenseDatabase>();
  const open = (name: string): SenseDatabase => {
    const known = opened.get(name);
    if (known !== undefined) return known;
    const sqlite = openDatabase(`${senseDatabases}/${name}.db`, { readOnly: true });
    onOpened(name, () => {
      opened.delete(name);
      sqlite.close();
    });
    const database = createDrizzle(sqlite);
    opened.set(name, database);
    return database;
  };
  return new Proxy(Object.create(null), {
    has: (_, name) => isPeer(name),
    get: (_, name) => isPeer(name) ? open(name) : undefined,
    ownKeys: () => [...names()].filter(isPeer),
    getOwnPropertyDescriptor: (_, name) =>
      isPeer(name) ? { enumerable: true, configurable: true, get: () => open(name) } : undefined,
    set: () => false,
    defineProperty: () => false,
    deleteProperty: () => false,
  });
}

/** The peers of a workflow's roles. */
export class WorkflowPeers {
  readonly #spec: ProcessSpec;
  /** What closes each open database. */
  readonly #closers = new Map<string, () => void>();
  #allSenses: ReadonlySet<string>;

  constructor(spec: ProcessSpec) {
    this.#spec = spec;
    this.#allSenses = new Set(spec.allSenses);
  }

  /** Drizzle is loaded only if there may be peers. */
  async open(): Promise<Peers> {
    const { workflow } = this.#spec, peers = workflow?.peers ?? [];
    if (peers.length === 0) return Object.freeze({});
    const { createDrizzle } = await import("../store/sqlite/drizzle.ts");
    const onOpened = (name: string, close: () => void) => void this.#closers.set(name, close);
    return openPeers(this.#spec, { sense: null, peers }, () => this.#allSenses, onOpened, createDrizzle);
  }

  setSenses(all: readonly string[]): void {
    this.#allSenses = new Set(all);
  }

  /** The next use opens it anew. */
  close(sense: string): void {
    this.#closers.get(sense)?.();
    this.#closers.delete(sense);
  }

  closeAll(): void {
    for (const sense of [...this.#closers.keys()]) this.close(sense);
  }
}
