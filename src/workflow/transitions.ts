/**
 * The table of legal moves of a run's status. Pure. The guards of every write and the diagram in the documentation come
 * from here: local/run_writer.ts takes its guards from `guardOf`; the database refuses all other moves.
 */
import { type RunStatus, runStatusSchema } from "../protocol/run.ts";

/**
 * For each status, the statuses that may follow, and why. A status without a successor is terminal. The diagram shows
 * these texts; a colon or a semicolon would end a text there.
 */
export const moves: Readonly<Record<RunStatus, Readonly<Partial<Record<RunStatus, string>>>>> = {
  queued: {
    paused: "pause",
    started: "a slot is free",
    killed: "kill",
    interrupted: "its workflow left the configuration",
    dropped: "the queue is full",
  },
  started: {
    waiting: "a role that nerve plays",
    paused: "pause, its role is aborted",
    started: "resumed after a death, a restart or a failed role, attempt + 1",
    completed: "END, exit 0",
    failed: "a role or the moderator, exit 1, or maxRounds, exit 2",
    killed: "kill, exit 137",
    crashed: "three deaths at one round, exit 255",
    interrupted: "drain timeout, or its workflow left the configuration",
  },
  waiting: {
    paused: "pause",
    started: "its wait is over, with the message that says so, or a role with an unknown end runs again",
    failed: "a person says that a role with an unknown end has failed, exit 1",
    killed: "kill, exit 137",
    interrupted: "its workflow left the configuration",
  },
  paused: {
    queued: "resume of one that was queued",
    started: "resume, attempt + 1",
    waiting: "resume of one that was waiting",
    killed: "kill, exit 137",
    interrupted: "its workflow left the configuration",
  },
  completed: {},
  failed: {},
  killed: {},
  crashed: {},
  interrupted: {},
  dropped: {},
};

/** The statuses a new run may have, and why. */
export const firstMoves: Readonly<Partial<Record<RunStatus, string>>> = {
  queued: "no slot",
  started: "a slot is free",
  dropped: "no slot, and overflow is drop",
};

/** True when a run of this status never changes again. */
export function isTerminal(status: RunStatus): boolean {
  return Object.keys(moves[status]).length === 0;
}

export function isLegalMove(from: RunStatus, to: RunStatus): boolean {
  return moves[from][to] !== undefined;
}

/** Every status that may change to `to`: the guard of that write. */
export function sourcesOf(to: RunStatus): RunStatus[] {
  return runStatusSchema.options.filter((from) => isLegalMove(from, to));
}

/** The guard of the engine's ordinary changes: a wait or a pause ends only by its own writes. */
export function guardOf(to: RunStatus): RunStatus[] {
  return to === "started" ? ["queued", "started"] : to === "failed" ? ["started"] : sourcesOf(to);
}

/** The table as a Mermaid state diagram, for the documentation. */
export function renderStateDiagram(): string {
  const arrows = (from: string, ways: Readonly<Partial<Record<RunStatus, string>>>) =>
    Object.entries(ways).map(([to, why]) => `  ${from} --> ${to} : ${why}`);
  return [
    "stateDiagram-v2",
    ...arrows("[*]", firstMoves),
    ...runStatusSchema.options.flatMap((status) => arrows(status, moves[status])),
    ...runStatusSchema.options.filter(isTerminal).map((status) => `  ${status} --> [*]`),
  ].join("\n");
}
