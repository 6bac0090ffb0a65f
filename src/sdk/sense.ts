/** The types of a sense: what `compute` is given. */
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import type { DatabaseSync } from "node:sqlite";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogRow } from "../protocol/log.ts";
import type { Trigger } from "../protocol/signal.ts";

/** Drizzle over SQLite, synchronous: `db.select().from(t).all()`, `db.insert(t).values(v).run()`. */
export type SenseDatabase = BaseSQLiteDatabase<"sync", unknown, Record<string, never>>;

/** Writes a row of the log (type `sense.log` or `run.log`) and a line of the daemon's output. */
export type LogFunction = (level: "debug" | "info" | "warn" | "error", message: string, data?: Json) => void;

/** Read-only queries of the log. */
export interface SenseLogs {
  /**
   * Newest first. `sinceMs` is an epoch time in milliseconds; `limit` defaults to 100 and is at most 10,000. For the next
   * page: the same query with `beforeId`, the id of the last row.
   */
  query(filter: {
    source?: string;
    type?: string;
    refId?: string;
    sinceMs?: number;
    untilMs?: number;
    beforeId?: number;
    limit?: number;
  }): LogRow[];
}

/** Content-addressed files, shared by the whole workspace. */
export interface Blobs {
  /** Stores the bytes once and returns their lowercase sha256. */
  write(bytes: Uint8Array | string): Promise<string>;
  /** The bytes of a digest; throws when there are none or when they do not match it. */
  read(digest: string): Promise<Uint8Array>;
  has(digest: string): Promise<boolean>;
}

/** What `compute` is called with. A new object for each compute; `db`, `sqlite` and `peers` live as long as the process. */
export interface SenseContext {
  readonly name: string;
  /** This sense's own database. */
  readonly db: SenseDatabase;
  /** The raw handle behind `db`. */
  readonly sqlite: DatabaseSync;
  /** Read-only Drizzle handles of other senses' databases, by name; opened on first use; undefined if not granted. */
  readonly peers: Readonly<Record<string, SenseDatabase | undefined>>;
  readonly logs: SenseLogs;
  readonly blobs: Blobs;
  /** Aborts at the compute's timeout, and when the daemon stops. */
  readonly signal: AbortSignal;
  /** Why this compute runs. */
  readonly trigger: Trigger;
  /** The sense's `config` of nerve.yaml, frozen; `{}` without one. */
  readonly config: JsonObject;
  readonly log: LogFunction;
}
