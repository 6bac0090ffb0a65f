/** The types of a workflow, and `defineWorkflow`, which checks an author's object against them. */
import { isPlainObject, type Json, type JsonObject } from "../protocol/json.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import type { AgentRole } from "./agent.ts";
import { type Option, readConfig, type Settings } from "./config.ts";
import { type Blobs, checkedConfig, type LogFunction, type SenseDatabase, type SenseLogs } from "./sense.ts";
import type { Span, Wait } from "./waits.ts";

/** Names the state before the first message; no role can have this name. */
export const START = "__start__";
/** Returned by a moderator when the run is complete. */
export const END = "__end__";

const endings = { failed: "__failed__", killed: "__killed__" } as const;
/** What a moderator returns to end the run as failed or killed; see `failRun` and `killRun`. */
export type EndedAs = `${(typeof endings)[keyof typeof endings]}:${string}`;

/** Returned by a moderator to fail the run with this reason and exit code 1. */
export function failRun(reason: string): EndedAs {
  return `${endings.failed}:${reason}`;
}

/** Returned by a moderator to give up the run: it counts as killed for this reason, with exit code 137. */
export function killRun(reason: string): EndedAs {
  return `${endings.killed}:${reason}`;
}

/** The ending that a moderator's answer stands for; null for a role or END. */
export function readEnding(answer: unknown): { readonly status: "failed" | "killed"; readonly reason: string } | null {
  if (typeof answer !== "string") return null;
  for (const status of ["failed", "killed"] as const) {
    const start = `${endings[status]}:`;
    if (answer.startsWith(start)) return { status, reason: answer.slice(start.length) };
  }
  return null;
}

/**
 * The argument of a role. A role runs at least once and, once its message is on disk, never again; a role with the
 * effect "once" runs at most once, unless a person lets it run again.
 */
export interface RoleContext<Config = JsonObject> {
  readonly start: RunStart;
  /** All messages so far, oldest first, frozen. */
  readonly messages: readonly RunMessage[];
  /** Aborts when the run is killed, the role times out, or the daemon stops. */
  readonly signal: AbortSignal;
  /** `<runId>:<round>`: the same for every attempt of this round. Pass it to any effect that must not happen twice. */
  readonly idempotencyKey: string;
  /**
   * Read-only queries of the log. A later attempt may see more rows: put anything that the run depends on into a
   * message.
   */
  readonly logs: SenseLogs;
  /** Read-only Drizzle handles of senses' databases, by name, opened on first use; undefined if not granted. */
  readonly peers: Readonly<Record<string, SenseDatabase | undefined>>;
  readonly blobs: Blobs;
  /**
   * The workflow's `config` from nerve.yaml, frozen. If `defineWorkflow` has a `config`, the settings that it reads.
   */
  readonly config: Config;
  readonly log: LogFunction;
}

/** The next message: `content` is for readers, at most 1 MiB; `meta` is for programs, at most 256 KiB of JSON. */
export interface RoleResult {
  readonly content: string;
  readonly meta: { readonly [key: string]: Json | undefined };
}

export type RoleFunction<Config = JsonObject> = (context: RoleContext<Config>) => RoleResult | Promise<RoleResult>;

/** What happens when a role throws or times out. The log records each failed attempt and its wait. */
export interface RetryPolicy {
  /** The total number of attempts, including the first; 1 to 1,000. */
  readonly attempts: number;
  /** The wait before the second attempt; it doubles for each further one. Default: 1s. */
  readonly backoff?: Span;
  /** The longest wait. Default: 1m; at most 24h. */
  readonly maxBackoff?: Span;
  /**
   * Errors that are not retried: their names (`error.name` or the name of their class; "TimeoutError" for a timeout),
   * or a function that recognises them.
   */
  readonly nonRetryable?: readonly string[] | ((error: unknown) => boolean);
  /**
   * What happens after the last attempt: the run fails, or it pauses and its attempts start over when a person resumes
   * it. Default: "fail".
   */
  readonly exhausted?: "fail" | "pause";
}

/**
 * Whether a role may run again when it started but its outcome is unknown: its process, the daemon or the machine died,
 * or it was aborted. "idempotent", the default: it runs again. "pure": it has no side effects and may run any number of
 * times. "once": it never runs again automatically; the run waits until a person decides.
 */
export type RoleEffect = "idempotent" | "pure" | "once";

/** A role with settings for the engine. */
export interface RoleObject<Config = JsonObject> {
  readonly run: RoleFunction<Config>;
  /** Default: "idempotent". A role with the effect "once" has no `retry`. */
  readonly effect?: RoleEffect;
  /**
   * The time limit of an attempt. When it expires, `signal` aborts and the attempt has failed, whatever the role
   * returns later. If the role has not settled 5 s later, its process is recycled. Default: none.
   */
  readonly timeout?: Span;
  /** Default: no retries; the first failure ends the run. */
  readonly retry?: RetryPolicy;
}

/**
 * A role: a function, alone or with settings for the engine; a role that an agent plays; or a wait, which nerve plays.
 */
export type Role<Config = JsonObject> = RoleFunction<Config> | RoleObject<Config> | AgentRole | Wait;

/** How the run ended; `exitCode` and `reason` as `nerve workflow inspect` shows them. */
export interface RunEnding {
  readonly status: "completed" | "failed" | "killed" | "crashed" | "interrupted";
  readonly exitCode: number | null;
  readonly reason: string | null;
  /** Milliseconds since the epoch. */
  readonly endedAt: number | null;
}

/** The argument of `finally`. Its `idempotencyKey` is `<runId>:finally`. */
export interface FinallyContext<Config = JsonObject> extends RoleContext<Config> {
  readonly end: RunEnding;
}

/** The function of `finally`. Its result, if any, is stored in the row `run.closed`. */
export type FinallyFunction<Config = JsonObject> = (
  context: FinallyContext<Config>,
) => RoleResult | void | Promise<RoleResult | void>;

/** `finally` with a time limit of its own. */
export interface FinallyObject<Config = JsonObject> {
  readonly run: FinallyFunction<Config>;
  /** The time limit. When it expires, `signal` aborts and `finally` has failed. Default: 1m; at most 1h. */
  readonly timeout?: Span;
  /**
   * Whether the returned content, Markdown, is also the run's report: the file `data/reports/RUN.report.md`. Default:
   * false.
   */
  readonly report?: boolean;
}

/** The argument of a moderator, which must be pure: the same messages always give the same answer. */
export interface ModeratorContext {
  readonly start: RunStart;
  readonly messages: readonly RunMessage[];
}

export interface Workflow<Name extends string = string, Config = JsonObject> {
  readonly roles: Readonly<Record<Name, Role<Config>>>;
  readonly moderator: (context: ModeratorContext) => NoInfer<Name> | typeof END | EndedAs;
  /**
   * Runs at least once after every run that was not dropped, also after a kill. It runs again if the daemon died before
   * it was done, so it must be idempotent. It cannot change how the run ended.
   */
  readonly finally?: FinallyFunction<Config> | FinallyObject<Config>;
}

/** How a workflow reads its settings: kinds by key, or a function that throws a TypeError. */
export type ConfigReader = Readonly<Record<string, Option<unknown>>> | ((config: JsonObject) => unknown);

/**
 * The type of `config` in roles. A reader function must declare the type of its parameter, or its result counts as
 * JSON.
 */
export type ConfigOf<Reader> = Reader extends (config: JsonObject) => infer Read ? Read
  : Reader extends Readonly<Record<string, Option<unknown>>> ? Settings<Reader>
  : JsonObject;

/**
 * Declares a workflow; the default export of `workflows/<name>/index.ts`. With `config`, each role, and `finally`,
 * first reads its settings: with `readConfig`, or with your own function, which throws a TypeError for an invalid
 * setting. The role then fails with that error. `nerve validate` and the trial load of changed code report it too, so
 * such a function must have no side effects.
 * @example
 * ```ts
 * export default defineWorkflow({
 *   config: { greeting: option.text("hello") },
 *   roles: { greet: ({ start, config }) => ({ content: `${config.greeting} ${start.prompt}`, meta: {} }) },
 *   moderator: ({ messages }) => (messages.length === 0 ? "greet" : END),
 * });
 * ```
 */
export function defineWorkflow<Name extends string, Reader extends ConfigReader = (config: JsonObject) => JsonObject>(
  workflow: { readonly config?: Reader } & Workflow<Name, ConfigOf<Reader>>,
): Workflow<Name> {
  const { config, ...rest } = workflow, { roles } = rest, reader: ConfigReader | undefined = config;
  // Roles that are not an object are refused at loading.
  if (reader === undefined || !isPlainObject(roles)) return rest as Workflow<Name>;
  const read = typeof reader === "function" ? reader : (config: JsonObject) => readConfig(config, reader);
  const withSettings = (run: (context: RoleContext<unknown>) => unknown) => (context: RoleContext) =>
    run({ ...context, config: read(context.config) });
  const wrap = (role: unknown) => {
    if (typeof role === "function") return withSettings(role as RoleFunction<unknown>);
    if (!isPlainObject(role) || typeof role.run !== "function") return role;
    return { ...role, run: withSettings(role.run as RoleFunction<unknown>) };
  };
  const wrapped = Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, wrap(role)]));
  const check = (config: JsonObject) => void read(config);
  const closing = rest.finally === undefined ? {} : { finally: wrap(rest.finally) };
  return { ...rest, roles: wrapped, ...closing, ...{ [checkedConfig]: check } } as Workflow<Name>;
}
