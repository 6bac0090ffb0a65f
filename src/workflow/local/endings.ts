/** How runs end, and the change and row of each end. Pure; used by the files of this folder that end runs. */
import type { NewLogRow } from "../../protocol/log.ts";
import { exitCode, type Run, type RunChange } from "../../protocol/run.ts";
import { createRunRow, toReason } from "./run_writer.ts";

/** Every way in which a run can end. `maxRounds` is a failure with its own exit code. */
export type Ending = "completed" | "failed" | "maxRounds" | "killed" | "crashed" | "interrupted" | "dropped";

const exitCodes: Readonly<Partial<Record<Ending, number>>> = exitCode;

/** The change that ends a run, and its row. */
export function createEnding(run: Run, how: Ending, reason: string | null, now: number): [RunChange, NewLogRow] {
  const status = how === "maxRounds" ? "failed" : how;
  const code = exitCodes[how] ?? null;
  const change: RunChange = { status, exitCode: code, reason: reason === null ? null : toReason(reason), endedAt: now };
  return [change, createRunRow(run, `run.${status}`, { attempt: run.attempt, rounds: run.rounds })];
}
