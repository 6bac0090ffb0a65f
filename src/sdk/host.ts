/**
 * Requests that the SDK sends to nerve for code in the sandbox (sandbox/host_client.ts). Outside the sandbox, as in an
 * author's own test, they fail.
 */
import type { HostRequest } from "../protocol/host_request.ts";

type Ask = HostRequest extends infer Each ? Each extends { t: "cancel" } ? never : Omit<Each, "id"> : never;
export type AnswerHost = (ask: Ask, signal: AbortSignal | null) => Promise<unknown>;

let host: AnswerHost | null = null;

/** Called once, before user code. */
export function provideHost(given: AnswerHost): void {
  host = given;
}

export function askHost(ask: Ask, signal: AbortSignal | null): Promise<unknown> {
  if (host === null) throw new Error("this works only in a sense or workflow that nerve runs");
  return host(ask, signal);
}

/** Runs `act`. When it settles, all programs that `act` started have ended. */
export type ProgramRunner = <T>(act: () => Promise<T>) => Promise<T>;

let runner: ProgramRunner = (act) => act();

/** Called once, before user code. */
export function provideProgramRunner(given: ProgramRunner): void {
  runner = given;
}

/** Runs `act` in the `ProgramRunner`. Outside the sandbox, nothing ends the programs that `act` leaves running. */
export function runPrograms<T>(act: () => Promise<T>): Promise<T> {
  return runner(act);
}
