/**
 * What a sense tells that checks several things at once: a signal while one of them is wrong, one when all are right
 * again, and a run of a workflow, once, when one has just gone wrong. Imported by the senses temperature,
 * ping, dns-answers, systemd-units, containers and smart.
 */
import type { WorkflowDirective } from "nerve";

export interface Verdict {
  readonly ok: boolean;
  /** What is wrong, as sentences that begin with a name; empty when `ok`. */
  readonly problems: readonly string[];
}

export interface Announcement {
  /** Names of what was wrong at the last compute. */
  readonly before: ReadonlySet<string>;
  /** Name and problem of what is wrong now, the problem null where nothing is. */
  readonly now: readonly { readonly name: string; readonly problem: string | null }[];
  /** Tell the result even when nothing is wrong. */
  readonly always: boolean;
  readonly workflow: string | null;
}

/** The most rounds that the workflow may take, and the most that its prompt names. */
const workflowRoundsMax = 20, promptNamesMax = 10;

export function toVerdict(now: Announcement["now"]): Verdict {
  const problems = now.flatMap(({ name, problem }) => problem === null ? [] : [`${name}: ${problem}`]);
  return { ok: problems.length === 0, problems };
}

/** `result`, with a directive if something has just gone wrong and a workflow is named; null when there is nothing to tell. */
export function announce<Result extends Verdict>(
  result: Result,
  { before, now, always, workflow }: Announcement,
): Result | (Result & { workflow: WorkflowDirective }) | null {
  const fresh = now.filter(({ name, problem }) => problem !== null && !before.has(name));
  if (fresh.length > 0 && workflow !== null) {
    const named = fresh.slice(0, promptNamesMax).map(({ name, problem }) => `${name}: ${problem}`).join(", ");
    const prompt = fresh.length > promptNamesMax ? `${named}, and ${fresh.length - promptNamesMax} more` : named;
    return { ...result, workflow: { name: workflow, prompt, maxRounds: workflowRoundsMax } };
  }
  return result.ok && before.size === 0 && !always ? null : result;
}
