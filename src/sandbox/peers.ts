/**
 * `ctx.peers`: other senses' databases, read-only, opened on first use. A workspace may have 2,000 senses: an object
 * with a handle or a getter for each would cost every process megabytes. Used by sense_runtime.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import type { ProcessSpec, SenseSpec } from "../protocol/message.ts";
import type { SenseDatabase } from "../sdk/sense.ts";
import { openDatabase } from "../store/sqlite/database.ts";
import type { DrizzleDatabase } from "../store/sqlite/drizzle.ts";

export type Peers = Readonly<Record<string, SenseDatabase | undefined>>;

/** An object whose keys are the peers of `sense`. Reading a peer throws while that sense has no database yet. */
export function openPeers(
  { senseDatabases }: ProcessSpec,
  sense: SenseSpec,
  allSenses: () => ReadonlySet<string>,
  /** Receives, for each peer that was opened, what closes it; the next use opens it anew. */
  onOpened: (name: string, close: () => void) => void,
  createDrizzle: (db: DatabaseSync) => DrizzleDatabase,
): Peers {
  const listed = new Set(sense.peers === "all" ? [] : sense.peers);
  const names = () => sense.peers === "all" ? allSenses() : listed;
  const isPeer = (name: unknown): name is string =>
    typeof name === "string" && name !== sense.name && names().has(name);
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
