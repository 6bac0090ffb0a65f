/**
 * Asks a workflow's moderator, and holds it to its promise: the same messages, the same answer, at once. A run whose
 * path depends on anything else could not be resumed. Used by workflow_runtime.ts.
 * I1. Every answer is asked for twice, over equal messages; they must be the same.
 * I2. At a resume the newest rounds are asked about again: the answer must be the role that did the round.
 */
import { setImmediate } from "node:timers";
import { rereadRoundsMax } from "../base/limits.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import { END, type Workflow } from "../sdk/workflow.ts";
import { describeError } from "./error_text.ts";
import type { RolePlan } from "./roles.ts";

/** A role's name, END, or what is wrong; `thrown` is what was thrown, for its place in the user's file. */
export type Answer =
  | { readonly kind: "role"; readonly name: string; readonly plan: RolePlan }
  | { readonly kind: "end" }
  | { readonly kind: "wrong"; readonly message: string; readonly thrown: unknown };

type Asked = { readonly said: unknown } | { readonly thrown: unknown };
/** How many rounds are looked at before whatever else waits in this thread gets its turn. */
const roundsATurn = 50;

/** What the moderator wants next. */
export function nextRole(
  workflow: Workflow,
  roles: ReadonlyMap<string, RolePlan>,
  start: RunStart,
  messages: readonly RunMessage[],
): Answer {
  const first = ask(workflow, start, messages), again = ask(workflow, start, messages);
  if ("thrown" in first) {
    return wrong(`the moderator threw after ${messages.length} messages: ${describeError(first.thrown)}`, first.thrown);
  }
  const { said } = first;
  if (isThenable(said)) return wrong("the moderator answered a promise: it must answer at once, with a role or END");
  if ("thrown" in again || !Object.is(again.said, said)) {
    const second = "thrown" in again ? `threw ${describeError(again.thrown)}` : `answered ${quoted(again.said)}`;
    const place = "thrown" in again ? again.thrown : null;
    return wrong(
      `the moderator is not pure: over the same ${messages.length} messages it answered ${
        quoted(said)
      }, then ${second}`,
      place,
    );
  }
  if (said === END) return { kind: "end" };
  const plan = typeof said === "string" ? roles.get(said) : undefined;
  if (plan !== undefined) return { kind: "role", name: String(said), plan };
  const names = [...roles.keys()].join(", ");
  return wrong(`the moderator answered ${quoted(said)}, which is neither END nor a role (${names})`);
}

/** Whether the moderator still gives the rounds that were done to the roles that did them; a sentence if it does not. */
export async function findContradiction(
  workflow: Workflow,
  start: RunStart,
  messages: readonly RunMessage[],
): Promise<{ readonly message: string; readonly thrown: unknown } | null> {
  for (let round = Math.max(0, messages.length - rereadRoundsMax); round < messages.length; round++) {
    const asked = ask(workflow, start, messages.slice(0, round));
    const role = messages[round]?.role;
    if (!("said" in asked) || asked.said !== role) {
      const now = "said" in asked ? `answers ${quoted(asked.said)}` : `throws ${describeError(asked.thrown)}`;
      return {
        message: `the code changed under the run, or the moderator is not pure: round ${round + 1} was done by ` +
          `${quoted(role)}, but over the same ${round} messages the moderator now ${now}`,
        thrown: "thrown" in asked ? asked.thrown : null,
      };
    }
    if (round % roundsATurn === roundsATurn - 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return null;
}

function ask(workflow: Workflow, start: RunStart, messages: readonly RunMessage[]): Asked {
  try {
    const said: unknown = workflow.moderator({ start, messages: Object.freeze([...messages]) });
    // Nobody waits for it: its rejection must not count as an error of somebody else.
    if (isThenable(said)) Promise.resolve(said).catch(() => {});
    return { said };
  } catch (thrown) {
    return { thrown };
  }
}

function wrong(message: string, thrown: unknown = null): Answer {
  return { kind: "wrong", message, thrown };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "then") === "function";
}

function quoted(value: unknown): string {
  if (value === END) return "END";
  return typeof value === "string" ? `"${value.slice(0, 100)}"` : typeof value;
}
