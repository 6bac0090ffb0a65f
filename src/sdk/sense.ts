/** The types of a sense, and `defineSense`, which checks an author's object against them. */
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { LogRow } from "../protocol/log.ts";
import type { ComputeTrigger } from "../protocol/signal.ts";
import { type Option, readConfig, type Settings } from "./config.ts";
import type { SenseSqlite } from "./sqlite.ts";

/** Drizzle over SQLite, synchronous: `db.select().from(t).all()`, `db.insert(t).values(v).run()`. */
export type SenseDatabase = BaseSQLiteDatabase<"sync", unknown, Record<string, never>>;

/** Writes a log row (type `sense.log` or `run.log`) and a line of the daemon's output. */
export type LogFunction = (level: "debug" | "info" | "warn" | "error", message: string, data?: Json) => void;

/** Read-only queries of the log. */
export interface SenseLogs {
  /**
   * Newest first. `sinceMs` is an epoch time in milliseconds; `limit` defaults to 100 and is at most 10,000. For the
   * next page, repeat the query with `beforeId`: the id of the last row.
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

/** Content-addressed files, shared across the workspace. */
export interface Blobs {
  /** Stores the bytes once. Resolves with their SHA-256 in lowercase hex. */
  write(bytes: Uint8Array | string): Promise<string>;
  /** Returns the bytes for a digest. Rejects when the blob is missing, or when its bytes do not match the digest. */
  read(digest: string): Promise<Uint8Array>;
  has(digest: string): Promise<boolean>;
}

/** The argument of `compute`, new for each compute; `db`, `sqlite` and `peers` live as long as the process. */
export interface SenseContext<Config = JsonObject> {
  readonly name: string;
  /** This sense's own database. */
  readonly db: SenseDatabase;
  /** SQL over the same database, without Drizzle. */
  readonly sqlite: SenseSqlite;
  /**
   * Drizzle over other senses' databases, by name, opened on first use; undefined if not granted. Read-only, one query
   * at a time: no transaction spans several queries.
   */
  readonly peers: Readonly<Record<string, SenseDatabase | undefined>>;
  readonly logs: SenseLogs;
  readonly blobs: Blobs;
  /** Aborts when the compute times out, or when the daemon stops. */
  readonly signal: AbortSignal;
  /** Why this compute runs. */
  readonly trigger: ComputeTrigger;
  /**
   * The sense's `config` from nerve.yaml, frozen; `{}` by default. If `defineSense` has a `config`, the settings that
   * it reads.
   */
  readonly config: Config;
  readonly log: LogFunction;
}

/** Requests a run of a workflow. `maxRounds` defaults to the workflow's limit, `prompt` to an empty text. */
export interface WorkflowDirective {
  readonly name: string;
  readonly prompt?: string;
  readonly maxRounds?: number;
}

/**
 * What `compute` may return. Null or undefined: no signal. `{ silent: "why" }`, without another key: no signal, and the
 * reason is counted and shown by `nerve why` and `nerve sense list`. An object with the key `workflow`: a run, with the
 * rest of the object as its payload. Any other JSON value of at most 256 KiB: a signal. `workflow` can also be a text:
 * `name|maxRounds|prompt`.
 */
export type SenseOutput = SenseValue | Promise<SenseValue>;
type SenseValue = null | undefined | void | string | number | boolean | readonly unknown[] | {
  readonly workflow?: WorkflowDirective | string | null;
  // deno-lint-ignore no-explicit-any -- `unknown` would reject an author's interfaces, which have no index signature
  readonly [key: string]: any;
};

export interface DefinedSense {
  readonly compute: (context: SenseContext) => SenseOutput;
}

/** The key under which a compute of `defineSense` holds the author's function: the sandbox reads its source text. */
export const authoredCompute: symbol = Symbol.for("nerve.authoredCompute");

/** The key of the function that throws when a `config` is invalid: the sandbox calls it in a trial load. */
export const checkedConfig: symbol = Symbol.for("nerve.checkedConfig");

/**
 * Declares a sense: gives `compute` its types. With `config`, each compute first reads its settings: with `readConfig`,
 * or with your own function, which throws a TypeError for an invalid setting. The compute then fails with that error.
 * `nerve validate` and the trial load of changed code report it too, so such a function must have no side effects.
 * @example
 * ```ts
 * export const { compute } = defineSense({
 *   config: { folder: option.text(), most: option.number(10) },
 *   async compute({ config: { folder, most } }) {
 *     const files = (await Array.fromAsync(Deno.readDir(folder))).length;
 *     if (files <= most) return { files }; // a signal
 *     return { files, workflow: { name: "tidy", prompt: `${folder} holds ${files} files`, maxRounds: 5 } }; // a run
 *   },
 * });
 * ```
 */
export function defineSense<Options extends Record<string, Option<unknown>>>(sense: {
  readonly config: Options;
  readonly compute: (context: SenseContext<Settings<Options>>) => SenseOutput;
}): DefinedSense;
export function defineSense<Read>(sense: {
  readonly config: (config: JsonObject) => Read;
  readonly compute: (context: SenseContext<Read>) => SenseOutput;
}): DefinedSense;
export function defineSense(sense: { readonly compute: (context: SenseContext) => SenseOutput }): DefinedSense;
export function defineSense({ config: options, compute }: {
  readonly config?: Readonly<Record<string, Option<unknown>>> | ((config: JsonObject) => unknown);
  readonly compute: (context: SenseContext<JsonObject & Settings<Record<string, Option<unknown>>>>) => SenseOutput;
}): DefinedSense {
  if (options === undefined) return { compute };
  const read = typeof options === "function" ? options : (config: JsonObject) => readConfig(config, options);
  const computeWithSettings = (context: SenseContext) =>
    // The settings need not be JSON; the overloads above have their type.
    compute({ ...context, config: read(context.config) as JsonObject });
  const check = (config: JsonObject) => void read(config);
  return { compute: Object.assign(computeWithSettings, { [authoredCompute]: compute, [checkedConfig]: check }) };
}
