/** Waits: roles that nerve plays. An author declares them as data among the roles of a workflow. */
import type { JsonObject } from "../protocol/json.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";

/** A span of time: `"500ms"`, `"30s"`, `"1h30m"`, or milliseconds. */
export type Span = string | number;

/** The argument of a function that says what a wait is about. It must be pure, and answers at once. */
export interface WaitContext {
  readonly start: RunStart;
  /** All messages so far, oldest first, frozen. */
  readonly messages: readonly RunMessage[];
  /** The workflow's `config` from nerve.yaml, frozen. */
  readonly config: JsonObject;
}

/** How long: a span, or the time when it is over. */
export type SleepTime = Span | Date;

/** A role that lets time pass; see `sleep`. */
export interface Sleep {
  readonly wait: "sleep";
  readonly time: SleepTime | ((context: WaitContext) => SleepTime);
}

/** A role that nerve plays. */
export type Wait = Sleep;

/**
 * A role that lets time pass: a span, a time, or a function that returns one of them. No process is kept for it, and the
 * daemon may restart meanwhile. Its message has `meta: { until }`, in milliseconds.
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
