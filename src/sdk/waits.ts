/** Waits: roles that nerve plays. An author declares them as data among the roles of a workflow. */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";

/** A span of time: `"500ms"`, `"30s"`, `"1h30m"`, or milliseconds. */
export type Span = string | number;

/** The argument of a function that describes a wait. The function must be pure and synchronous. */
export interface WaitContext {
  readonly start: RunStart;
  /** All messages so far, oldest first, frozen. */
  readonly messages: readonly RunMessage[];
  /** The workflow's `config` from nerve.yaml, frozen. */
  readonly config: JsonObject;
}

/** How long a run sleeps: a span, or the time at which it wakes. */
export type SleepTime = Span | Date;

/** A role that lets time pass; see `sleep`. */
export interface Sleep {
  readonly wait: "sleep";
  readonly time: SleepTime | ((context: WaitContext) => SleepTime);
}

/** What a gate asks; see `gate`. A text may be a function, which is called once, when the run reaches the gate. */
export interface GateRequest {
  /** One line, at most 500 characters. */
  readonly title: string | ((context: WaitContext) => string);
  /** What the decision is about: Markdown, at most 256 KiB. Default: empty. */
  readonly body?: string | ((context: WaitContext) => string);
  /** The possible decisions; at most 20. Default: approve and reject. */
  readonly options?: readonly string[];
  /** After this time without a decision, `onExpiry` becomes the decision. Default: never. */
  readonly expires?: Span;
  /** One of the options. Default: reject, if that is one of them. */
  readonly onExpiry?: string;
  /** Who may decide: people and groups of `approvers` in nerve.yaml. Default: all of them. */
  readonly approvers?: readonly string[];
  /** The phase of the work that the gate closes: part of the request's id, `RUN:GATE:PHASE:N`. Default: none. */
  readonly phase?: string;
}

/** A role that a person plays by deciding; see `gate`. */
export interface Gate extends GateRequest {
  readonly wait: "gate";
}

/** A role that waits for an event; see `event`. */
export interface EventWait {
  readonly wait: "event";
  readonly name: string;
  readonly timeout?: Span;
}

/** A run that a role starts; see `children`. */
export interface Child {
  /** A workflow of the workspace; may be this one. */
  readonly workflow: string;
  /** The payload of the run. Default: an empty object. */
  readonly payload?: Json;
  /** Default: empty. */
  readonly prompt?: string;
  /** Default: the limit of its workflow. */
  readonly maxRounds?: number;
}

/** A role that starts runs and waits until all have ended; see `children`. */
export interface Children {
  readonly wait: "children";
  readonly runs: readonly Child[] | ((context: WaitContext) => readonly Child[]);
}

/** The result of a run that `children` started: an item of `meta.runs`. */
export interface ChildResult {
  /** `RUN.ROUND.N`, where N counts from 1. */
  readonly runId: string;
  /** `refused`: the run could not be started; `content` has the reason. */
  readonly status: "completed" | "failed" | "killed" | "crashed" | "interrupted" | "dropped" | "refused";
  readonly exitCode: number | null;
  /**
   * The content of the run's last message; if the run did not complete, the reason. A long text is cut and ends with
   * "...".
   */
  readonly content: string;
}

/** A role that nerve plays. */
export type Wait = Sleep | Gate | EventWait | Children;

/**
 * A role that waits for a span or until a time; a function may return either. No process runs meanwhile, and the daemon
 * may restart. Its message has `meta: { until }`, in milliseconds since the epoch.
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: {
 *     cool: sleep("10m"),
 *     morning: sleep(({ config }) => new Date(String(config.startsAt))),
 *   },
 *   moderator: ({ messages }) => (["cool", "morning", END] as const)[messages.length] ?? END,
 * });
 * ```
 */
export function sleep(time: Sleep["time"]): Sleep {
  return { wait: "sleep", time };
}

/**
 * A role that waits for a person to decide (`nerve approvals`, `nerve approve`, `nerve reject`). No process runs
 * meanwhile. Its message has `meta: { decision, by, at, how, digest, comment }`; `how` is "person" or "expiry".
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: {
 *     plan: () => ({ content: "3 images unused", meta: { count: 3 } }),
 *     approve: gate({
 *       title: ({ messages }) => `Remove ${messages.at(-1)?.meta.count} images?`,
 *       body: ({ messages }) => messages.at(-1)?.content ?? "",
 *       expires: "24h",
 *     }),
 *     prune: () => ({ content: "removed", meta: {} }),
 *   },
 *   moderator: ({ messages }) => {
 *     const last = messages.at(-1);
 *     if (last === undefined) return "plan";
 *     return last.role === "plan" ? "approve" : last.meta.decision === "approve" ? "prune" : END;
 *   },
 * });
 * ```
 */
export function gate(request: GateRequest): Gate {
  return { ...request, wait: "gate" };
}

/**
 * A role that waits for an event of this name, which a program or a person sends (`nerve workflow send`). An event that
 * comes earlier is kept for the run. Its message has `meta: { payload, key }`, or `{ timedOut: true }` after `timeout`
 * (default: none).
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: {
 *     deploy: () => ({ content: "asked for a deployment", meta: {} }),
 *     deployed: event("deployed", { timeout: "1h" }),
 *   },
 *   moderator: ({ messages }) => (["deploy", "deployed", END] as const)[messages.length] ?? END,
 * });
 * ```
 */
export function event(name: string, options: { readonly timeout?: Span } = {}): EventWait {
  return { ...options, wait: "event", name };
}

/**
 * A role that starts runs of other workflows, or of this one, and waits until all of them have ended, in whatever way.
 * `runs` is a list, or a function that returns one. No process runs for the wait. Killing this run kills them too. Its
 * message has `meta: { runs }`, a list of `ChildResult` in the order of `runs`.
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: {
 *     check: children(({ config }) => (config.hosts as string[]).map((host) => ({ workflow: "check-host", payload: { host } }))),
 *     tell: ({ messages }) => {
 *       const runs = messages.at(-1)?.meta.runs as unknown as ChildResult[];
 *       return { content: `${runs.filter(({ status }) => status !== "completed").length} hosts are ill`, meta: {} };
 *     },
 *   },
 *   moderator: ({ messages }) => (["check", "tell"] as const)[messages.length] ?? END,
 * });
 * ```
 */
export function children(runs: Children["runs"]): Children {
  return { wait: "children", runs };
}
