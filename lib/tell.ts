/**
 * What a check tells, and when. Imported by senses that find problems: load, network-counters, directory-watch,
 * url-change, database-query and package-updates.
 */
import type { WorkflowDirective } from "nerve";

export interface Finding {
  readonly ok: boolean;
  /** What is wrong, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
}

export interface Telling {
  /** Whether the last compute found nothing wrong. */
  readonly wasOk: boolean;
  /** Tell every finding. */
  readonly always: boolean;
  /** The workflow to start when something begins to be wrong. */
  readonly workflow: string | null;
  /** What its prompt begins with. */
  readonly about: string;
}

/** The most rounds that the workflow may take. */
const workflowRoundsMax = 20;
const promptMaxChars = 4_000;

/**
 * A signal while something is wrong, and one when nothing is any more. When it begins to be wrong, a run of the workflow
 * instead, if there is one. Null: nothing to tell.
 */
export function tell<Found extends Finding>(
  found: Found,
  { wasOk, always, workflow, about }: Telling,
): Found | (Found & { readonly workflow: WorkflowDirective }) | null {
  if (!found.ok && wasOk && workflow !== null) {
    return { ...found, workflow: toDirective(workflow, about, found.problems) };
  }
  return found.ok && wasOk && !always ? null : found;
}

export function toDirective(name: string, about: string, what: readonly string[]): WorkflowDirective {
  return { name, prompt: `${about}: ${what.join(", ")}`.slice(0, promptMaxChars), maxRounds: workflowRoundsMax };
}
