/** The types of a workflow, and `defineWorkflow`, which gives them to an author's object. */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import type { Blobs, LogFunction } from "./sense.ts";

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

/** A role: the function alone, or with what the engine should do around it. */
export type Role = RoleFunction;

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
