/** Classifies the messages of a unit's process. Pure; used by process_events.ts. */
import type { UnitProcess } from "../process/unit_process.ts";
import type { FromProcess } from "../protocol/message.ts";

const beginnings: readonly FromProcess["t"][] = ["may_begin", "role_begun", "attempt_failed", "closing"];

/** Whether such a message about a run shows that work was done: a role that begins or fails finished nothing. */
export function finishesWork(t: FromProcess["t"]): boolean {
  return !beginnings.includes(t);
}

/** Whether the sense or workflow belongs to this process. */
export function isAbout({ spec: { senses, workflow } }: UnitProcess, name: string): boolean {
  return workflow === null ? senses.some((each) => each.name === name) : workflow.name === name;
}

/** The text of a unit's row when its process uses a core without any work of its own. */
export const burningText =
  "uses a whole core outside of any compute or role; it is ended if it goes on, or does not answer its next heartbeat";

/** The text of a unit's row when its user code called Deno.exit. */
export function describeExit(code: number): string {
  return `user code tried to end the process (exit code ${code}); refused`;
}
