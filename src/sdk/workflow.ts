/** The types of a workflow, and `defineWorkflow`, which gives them to an author's object. */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import type { Blobs, LogFunction, SenseLogs } from "./sense.ts";

/** The round before the first message; a name that no role can have. */
export const START = "__start__";
/** What a moderator returns when the run is complete. */
export const END = "__end__";

/** What a role is called with. A role runs at least once and, once its message is on disk, never again. */
export interface RoleContext {
  readonly start: RunStart;
  /** All messages so far, oldest first, frozen. */
  readonly messages: readonly RunMessage[];
  /** Aborts when the run is killed, the role's time is up, or the daemon stops. */
  readonly signal: AbortSignal;
  /** `<runId>:<round>`: the same at every attempt of this round; hand it to whatever must not happen twice. */
  readonly idempotencyKey: string;
  /** Read-only queries of the log, as senses have them. A later attempt may see more: write down what a run rests on. */
  readonly logs: SenseLogs;
  readonly blobs: Blobs;
  /** The workflow's `config` of nerve.yaml, frozen. */
  readonly config: JsonObject;
  readonly log: LogFunction;
}

/** The next message: `content` is for readers, at most 1 MiB; `meta` is for programs, at most 256 KiB of JSON. */
export interface RoleResult {
  readonly content: string;
  readonly meta: { readonly [key: string]: Json | undefined };
}

export type RoleFunction = (context: RoleContext) => RoleResult | Promise<RoleResult>;

/** A span of time: `"500ms"`, `"30s"`, `"1h30m"`, or milliseconds. */
export type Span = string | number;

/** What happens when a role throws or its time is up. Each failed attempt is in the log, and so is its wait. */
export interface RetryPolicy {
  /** How often it is tried in all, the first time included; 1 to 1,000. */
  readonly attempts: number;
  /** The wait before the second attempt; it doubles from then on. Default 1s. */
  readonly backoff?: Span;
  /** No wait is longer. Default 1m; at most 24h. */
  readonly maxBackoff?: Span;
  /**
   * Errors that are not tried again: their names (`error.name`, or that of their class; "TimeoutError" when its time
   * was up), or a function that tells them.
   */
  readonly nonRetryable?: readonly string[] | ((error: unknown) => boolean);
}

/** A role with what the engine does around it. */
export interface RoleObject {
  readonly run: RoleFunction;
  /**
   * When it is over, `signal` aborts and the attempt has failed, whatever the role returns then. 5 s later its process
   * is ended if the role has not come to rest. Default: none.
   */
  readonly timeout?: Span;
  /** Default: the first failure ends the run. */
  readonly retry?: RetryPolicy;
}

/** A role: the function alone, or with what the engine should do around it. */
export type Role = RoleFunction | RoleObject;

/** What a moderator sees. It must be pure: the same messages give the same answer, whenever it is asked. */
export interface ModeratorContext {
  readonly start: RunStart;
  readonly messages: readonly RunMessage[];
}

export interface Workflow<Name extends string = string> {
  readonly roles: Readonly<Record<Name, Role>>;
  readonly moderator: (context: ModeratorContext) => NoInfer<Name> | typeof END;
}

/**
 * Declares a workflow; the default export of `workflows/<name>/index.ts`.
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: { greet: ({ start }) => ({ content: `hello ${start.prompt}`, meta: {} }) },
 *   moderator: ({ messages }) => (messages.length === 0 ? "greet" : END),
 * });
 * ```
 */
export function defineWorkflow<Name extends string>(workflow: Workflow<Name>): Workflow<Name> {
  return workflow;
}
