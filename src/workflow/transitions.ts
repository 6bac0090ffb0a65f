/**
 * The legal moves of a run's status, as data. Pure; the guards of every write and the diagram of docs/workflows.md come from here.
 * Neighbours: run_writer.ts takes its guards from `sourcesOf`; the database refuses the rest.
 */
import { type RunStatus, runStatusSchema } from "../protocol/run.ts";

/**
 * From each status, where it may go and by what. A status without a way out is terminal.
 * The words go into the diagram, where a colon or a semicolon would end them.
 */
export const moves: Readonly<Record<RunStatus, Readonly<Partial<Record<RunStatus, string>>>>> = {
  queued: {
    started: "a slot is free",
    killed: "kill",
    interrupted: "its workflow left the configuration",
    dropped: "the queue is full",
  },
  started: {
    started: "resumed after a death, a restart or a failed role, attempt + 1",
    completed: "END, exit 0",
    failed: "a role or the moderator, exit 1, or maxRounds, exit 2",
    killed: "kill, exit 137",
    crashed: "three deaths at one round, exit 255",
    interrupted: "drain timeout, or its workflow left the configuration",
  },
  completed: {},
  failed: {},
  killed: {},
  crashed: {},
  interrupted: {},
  dropped: {},
};

/** What a run may be when it is written first, and by what. */
export const firstMoves: Readonly<Partial<Record<RunStatus, string>>> = {
  queued: "no slot",
  started: "a slot is free",
  dropped: "no slot, and overflow is drop",
};

/** True when a run of this status never changes again. */
export function isTerminal(status: RunStatus): boolean {
  return Object.keys(moves[status]).length === 0;
}

export function isLegal(from: RunStatus, to: RunStatus): boolean {
  return moves[from][to] !== undefined;
}

/** Every status from which a run may become `to`: the guard of that write. */
export function sourcesOf(to: RunStatus): RunStatus[] {
  return runStatusSchema.options.filter((from) => isLegal(from, to));
}

/** The table as a Mermaid state diagram, for docs/workflows.md. */
export function stateDiagram(): string {
  const arrows = (from: string, ways: Readonly<Partial<Record<RunStatus, string>>>) =>
    Object.entries(ways).map(([to, why]) => `  ${from} --> ${to} : ${why}`);
  return [
    "stateDiagram-v2",
    ...arrows("[*]", firstMoves),
    ...runStatusSchema.options.flatMap((status) => arrows(status, moves[status])),
    ...runStatusSchema.options.filter(isTerminal).map((status) => `  ${status} --> [*]`),
  ].join("\n");
}
