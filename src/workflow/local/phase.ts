/**
 * What the engine is doing with a run that has not ended, as a table of legal moves. A run's status is what the disk
 * says (transitions.ts); its phase is in memory only. Only `enterPhase` changes it.
 */
import { assert } from "../../base/errors.ts";
import type { WorkflowProcess } from "./ports.ts";

export type Phase =
  /** Its first row is being written. */
  | { readonly tag: "creating" }
  | { readonly tag: "queued" }
  /** queued -> started is being written. */
  | { readonly tag: "starting" }
  /** Started, and in no process. `ready`: no process has had its present attempt yet. */
  | { readonly tag: "unassigned"; readonly ready: boolean }
  /** attempt + 1 is being written. */
  | { readonly tag: "resuming" }
  /** The moderator or a role is at work. */
  | { readonly tag: "running"; readonly process: WorkflowProcess }
  /** Message `round` is being written; `stored` says whether it was. Null: the process has died meanwhile. */
  | {
    readonly tag: "writing";
    readonly process: WorkflowProcess | null;
    readonly round: number;
    readonly stored: Promise<boolean>;
  }
  /** A failed attempt of its role is being written. It is in no process. */
  | { readonly tag: "failing" }
  /** Its end is being written. */
  | { readonly tag: "ending" }
  /** Ended on disk; its role has been told to abort and has not settled. */
  | { readonly tag: "aborting"; readonly process: WorkflowProcess };

export type PhaseTag = Phase["tag"];

/** From each phase, where a run may go. Any phase may end: a kill waits for nothing. */
export const phaseMoves: Readonly<Record<PhaseTag, readonly PhaseTag[]>> = {
  creating: ["queued", "unassigned", "ending"],
  queued: ["starting", "ending"],
  starting: ["unassigned", "ending"],
  unassigned: ["resuming", "running", "ending"],
  resuming: ["unassigned", "ending"],
  running: ["writing", "failing", "unassigned", "aborting", "ending"],
  // writing -> writing: its process has died, the message is still stored.
  writing: ["writing", "running", "unassigned", "ending"],
  failing: ["unassigned", "ending"],
  // ending -> unassigned: the store refused the end, and the run goes on. ending -> ending: somebody else ended it first.
  ending: ["unassigned", "ending"],
  aborting: ["ending"],
};

export function enterPhase(entry: { phase: Phase; readonly run: { readonly runId: string } }, phase: Phase): void {
  const from = entry.phase.tag;
  assert(phaseMoves[from].includes(phase.tag), `run ${entry.run.runId} cannot go from ${from} to ${phase.tag}`);
  entry.phase = phase;
}
