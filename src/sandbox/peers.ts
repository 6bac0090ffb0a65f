/**
 * `ctx.peers`: other senses' databases, read only and opened on first use. A workspace may have 2,000 senses: an object
 * with a handle or a getter for each would cost every process megabytes. Used by both runtimes.
 * I1. No read transaction is open between two calls, or for longer than `peerReadMaxMs`: an open one keeps the owner
 *     from emptying its -wal file.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ProcessSpec } from "../protocol/message.ts";
import type { SenseDatabase } from "../sdk/sense.ts";
import type { DrizzleDatabase } from "../store/sqlite/drizzle.ts";
import { GuardedDatabase } from "../store/sqlite/guarded_database.ts";
import { judgeReading } from "../store/sqlite/sql_rules.ts";
import type { RowMode, SqlChanges, SqlSource } from "../store/sqlite/sql_source.ts";
import type { ReadLimit } from "./read_limit.ts";
import { openForReading, SharedDatabase } from "./shared_database.ts";

export type Peers = Readonly<Record<string, SenseDatabase | undefined>>;

/** The reader of peers: a sense, which is not a peer of its own, or a workflow. */
export interface PeerReader {
  /** Null: a workflow. */
  readonly sense: string | null;
  readonly peers: "all" | readonly string[];
}

export interface PeerPorts {
  allSenses(): ReadonlySet<string>;
  /** Receives, for each opened peer, the function that closes it; the next use opens the peer again. */
  onOpened(name: string, close: () => void): void;
  /** Asks the kernel for the files beside a peer's database. */
  onUnshared(name: string): void;
  readonly limit: ReadLimit;
  createDrizzle(source: SqlSource): DrizzleDatabase;
}

/** An object whose keys are the peers of `reader`. Reading a peer throws while that sense has no database yet. */
export function openPeers({ senseDatabases }: ProcessSpec, reader: PeerReader, ports: PeerPorts): Peers {
  const listed = new Set(reader.peers === "all" ? [] : reader.peers);
  const names = () => reader.peers === "all" ? ports.allSenses() : listed;
  const isPeer = (name: unknown): name is string =>
    typeof name === "string" && name !== reader.sense && names().has(name);
  const opened = new Map<string, SenseDatabase>();
  const open = (name: string): SenseDatabase => {
    const known = opened.get(name);
    if (known !== undefined) return known;
    const peer = new Peer(name, `${senseDatabases}/${name}.db`, ports), database = ports.createDrizzle(peer);
    peer.open();
    ports.onOpened(name, () => {
      opened.delete(name);
      closePeer(peer);
    });
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

let closePeer: (peer: Peer) => void;

/** The database of one peer. User code reaches it through Drizzle's session, and can only read it. */
class Peer implements SqlSource {
  readonly #name: string;
  readonly #ports: PeerPorts;
  readonly #shared: SharedDatabase;
  #handle: DatabaseSync | null = null;
  #database: GuardedDatabase | null = null;

  static {
    closePeer = (peer) => peer.#close();
  }

  constructor(name: string, path: string, ports: PeerPorts) {
    this.#name = name;
    this.#ports = ports;
    this.#shared = new SharedDatabase(path, `the database of sense ${name}`);
  }

  /** Throws when the sense has no database yet. */
  open(): void {
    this.#close();
    const handle = this.#shared.open(openForReading, () => this.#ports.onUnshared(this.#name));
    this.#handle = handle;
    this.#database = new GuardedDatabase(handle, judgeReading);
  }

  check(sql: string): void {
    this.#read((database) => database.check(sql));
  }

  get(sql: string, values: unknown[], mode: RowMode): unknown {
    return this.#read((database) => database.get(sql, values, mode));
  }

  all(sql: string, values: unknown[], mode: RowMode): unknown[] {
    return this.#read((database) => database.all(sql, values, mode));
  }

  run(sql: string, values: unknown[], mode: RowMode): SqlChanges {
    return this.#read((database) => database.run(sql, values, mode));
  }

  transaction(): never {
    throw new TypeError("a peer is read one query at a time: it has no transactions");
  }

  #read<T>(work: (database: GuardedDatabase) => T): T {
    if (this.#shared.look() || this.#database === null) this.open();
    const database = this.#database, { limit } = this.#ports;
    if (database === null) throw new Error("nerve bug: a peer is not open");
    limit.begin();
    try {
      return work(database);
    } finally {
      limit.end();
    }
  }

  #close(): void {
    this.#handle?.close();
    this.#handle = null;
    this.#database = null;
  }
}
