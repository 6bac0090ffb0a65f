/**
 * Asks a workflow's moderator, and checks that it is pure: the same messages give the same answer, synchronously. A run
 * whose path depended on anything else could not be resumed. Used by workflow_runtime.ts.
 * I1. The moderator is asked twice with equal messages; both answers must be the same.
 * I2. When a run resumes, the moderator is asked about its newest rounds again: each answer must be the role of that
 *     round.
 */
import { setImmediate } from "node:timers";
import { reasonMaxChars, rereadRoundsMax } from "../base/limits.ts";
import type { FromProcess } from "../protocol/message.ts";
import type { RunMessage, RunStart } from "../protocol/run.ts";
import { END, readEnding, type Workflow } from "../sdk/workflow.ts";
import { describeError } from "./error_text.ts";
import { maskOwnText } from "./own_secrets.ts";
import type { AnyPlan } from "./roles.ts";
import type { Thread } from "./thread.ts";

/** A role, an end (`as`: null for END), or a fault; `thrown` is the thrown value, for its place in the user's file. */
export type Answer =
  | { readonly kind: "role"; readonly name: string; readonly plan: AnyPlan }
  | { readonly kind: "end"; readonly as: ReturnType<typeof readEnding> }
  | { readonly kind: "wrong"; readonly message: string; readonly thrown: unknown };

type Finished = Extract<FromProcess, { t: "finished" }>["outcome"];
type ModeratorResult = { readonly answer: unknown } | { readonly thrown: unknown };
/** How many rounds are checked before the event loop gets a turn. */
const roundsPerTurn = 50;

/** The moderator's next decision. */
export function askModerator(
  workflow: Workflow,
  roles: ReadonlyMap<string, AnyPlan>,
  start: RunStart,
  messages: readonly RunMessage[],
): Answer {
  const first = askOnce(workflow, start, messages), again = askOnce(workflow, start, messages);
  if ("thrown" in first) {
    return toWrong(
      `the moderator threw after ${messages.length} messages: ${describeError(first.thrown)}`,
      first.thrown,
    );
  }
  const { answer } = first;
  if (isThenable(answer)) {
    return toWrong("the moderator returned a promise: it must return a role or END synchronously");
  }
  if ("thrown" in again || !Object.is(again.answer, answer)) {
    const second = "thrown" in again ? `threw ${describeError(again.thrown)}` : `returned ${quote(again.answer)}`;
    const place = "thrown" in again ? again.thrown : null;
    return toWrong(
      `the moderator is not pure: for the same ${messages.length} messages it returned ${
        quote(answer)
      }, then ${second}`,
      place,
    );
  }
  const ending = readEnding(answer);
  if (answer === END || ending !== null) return { kind: "end", as: ending };
  const plan = typeof answer === "string" ? roles.get(answer) : undefined;
  if (plan !== undefined) return { kind: "role", name: String(answer), plan };
  const names = [...roles.keys()].join(", ");
  return toWrong(`the moderator returned ${quote(answer)}, which is neither END nor a role (${names})`);
}

/**
 * Checks that the moderator still assigns the finished rounds, except accepted ones, to the roles that did them. Null
 * when it does.
 */
export async function findContradiction(
  workflow: Workflow,
  { start, messages, accepted }: Pick<Thread, "start" | "messages" | "accepted">,
): Promise<{ readonly message: string; readonly thrown: unknown } | null> {
  for (let round = Math.max(accepted, messages.length - rereadRoundsMax); round < messages.length; round++) {
    const result = askOnce(workflow, start, messages.slice(0, round));
    const role = messages[round]?.role;
    if (!("answer" in result) || result.answer !== role) {
      const now = "answer" in result ? `returns ${quote(result.answer)}` : `throws ${describeError(result.thrown)}`;
      return {
        message: `the code changed under the run, or the moderator is not pure: round ${round + 1} was done by ` +
          `${quote(role)}, but for the same ${round} messages the moderator now ${now}`,
        thrown: "thrown" in result ? result.thrown : null,
      };
    }
    if (round % roundsPerTurn === roundsPerTurn - 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return null;
}

function askOnce(workflow: Workflow, start: RunStart, messages: readonly RunMessage[]): ModeratorResult {
  try {
    const answer: unknown = workflow.moderator({ start, messages: Object.freeze([...messages]) });
    // The promise is never awaited: its rejection must not count as an error outside of any role.
    if (isThenable(answer)) Promise.resolve(answer).catch(() => {});
    return { answer };
  } catch (thrown) {
    return { thrown };
  }
}

function toWrong(message: string, thrown: unknown = null): Answer {
  return { kind: "wrong", message, thrown };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "then") === "function";
}

function quote(value: unknown): string {
  if (value === END) return "END";
  return typeof value === "string" ? `"${maskOwnText(value).slice(0, 100)}"` : typeof value;
}

/** The outcome to report to the kernel for an end. */
export function toFinished({ as }: Extract<Answer, { kind: "end" }>): Finished {
  if (as === null) return { kind: "completed" };
  return { kind: "stopped", status: as.status, reason: maskOwnText(as.reason).slice(0, reasonMaxChars) };
}
