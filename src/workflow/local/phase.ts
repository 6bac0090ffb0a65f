/**
 * What the engine does with an unfinished run, and the table of legal moves. A run's status is stored
 * (workflow/transitions.ts); its phase exists in memory only. Only `enterPhase` changes it.
 */
import { assert } from "../../base/errors.ts";
import type { RunMessage } from "../../protocol/run.ts";
import type { WorkflowProcess } from "./ports.ts";

export type Phase =
  /** Its first row is being written. */
  | { readonly tag: "creating" }
  | { readonly tag: "queued" }
  /** Its status is queued, and its start time has not come (planned_starts.ts). */
  | { readonly tag: "planned" }
  /** queued -> started is being written. */
  | { readonly tag: "starting" }
  /** Started, and in no process. `ready`: its current attempt has not been given to any process yet. */
  | { readonly tag: "unassigned"; readonly ready: boolean }
  /** attempt + 1 is being written. */
  | { readonly tag: "resuming" }
  /** The moderator or a role is running. */
  | { readonly tag: "running"; readonly process: WorkflowProcess }
  /**
   * Message `round` is being written; `stored` resolves to whether it was. `process` is null if it has died meanwhile.
   */
  | {
    readonly tag: "writing";
    readonly process: WorkflowProcess | null;
    readonly round: number;
    readonly stored: Promise<boolean>;
  }
  /**
   * New code is asked whether the run may move to it (code_moves.ts). `old` waits for the acknowledgement of `message`;
   * null if it has died meanwhile. `process` has the new code.
   */
  | {
    readonly tag: "probing";
    readonly old: WorkflowProcess | null;
    readonly process: WorkflowProcess;
    readonly message: RunMessage;
  }
  /** It moves to the new code: attempt + 1 is being written. `process` is null if it has died meanwhile. */
  | { readonly tag: "moving"; readonly process: WorkflowProcess | null }
  /** The code contradicts its messages: its pause is being written. It is in no process. */
  | { readonly tag: "holding" }
  /** A failed attempt of its role is being written. It is in no process. */
  | { readonly tag: "failing" }
  /** Its wait is being written. It is in no process. */
  | { readonly tag: "parking" }
  /** It waits, and something is done about it; otherwise it would not be in memory (waits.ts). */
  | { readonly tag: "waiting" }
  /** The message that settles its wait is being written. */
  | { readonly tag: "waking" }
  /** Its end is being written. */
  | { readonly tag: "ending" }
  /** The end is stored; its role was aborted and has not settled. */
  | { readonly tag: "aborting"; readonly process: WorkflowProcess }
  /** It has ended, still has to be closed (closings.ts), and is in no process. */
  | { readonly tag: "unclosed" }
  /** Its `finally` is running. */
  | { readonly tag: "closing"; readonly process: WorkflowProcess };

export type PhaseTag = Phase["tag"];

/** For each phase, the phases that may follow. Any phase of an unfinished run may end: a kill waits for nothing. */
export const phaseMoves: Readonly<Record<PhaseTag, readonly PhaseTag[]>> = {
  creating: ["queued", "planned", "unassigned", "ending"],
  queued: ["starting", "planned", "ending"],
  planned: ["queued", "ending"],
  starting: ["unassigned", "ending"],
  unassigned: ["resuming", "running", "parking", "ending"],
  resuming: ["unassigned", "ending"],
  running: ["writing", "failing", "holding", "parking", "unassigned", "aborting", "ending"],
  // writing -> writing: its process has died; its message is still being written.
  writing: ["writing", "probing", "running", "unassigned", "ending"],
  // probing -> probing: the old process has died. moving -> moving: the new one has.
  probing: ["probing", "moving", "running", "unassigned", "ending"],
  moving: ["moving", "running", "unassigned", "ending"],
  holding: ["unassigned", "ending"],
  failing: ["unassigned", "ending"],
  parking: ["waiting", "unassigned", "ending"],
  waiting: ["waking", "ending"],
  waking: ["unassigned", "waiting", "ending"],
  // ending -> unassigned: the store rejected the end, and the run continues. ending -> ending: another end came first.
  ending: ["unassigned", "ending"],
  aborting: ["ending"],
  unclosed: ["closing"],
  closing: ["unclosed"],
};

export function enterPhase(entry: { phase: Phase; readonly run: { readonly runId: string } }, phase: Phase): void {
  const from = entry.phase.tag;
  assert(phaseMoves[from].includes(phase.tag), `run ${entry.run.runId} cannot go from ${from} to ${phase.tag}`);
  entry.phase = phase;
}
