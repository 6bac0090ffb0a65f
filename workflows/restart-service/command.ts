/** Runs programs for index.ts: without a shell, with a time limit, discarding their output. */

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** True when it exits with code 0. Throws when it cannot be started, takes too long, or the run has ended. */
export async function succeeds({ program, args }: Command, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.timeout(timeoutMs);
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.any([signal, late]),
  }).spawn();
  const { success } = await child.status;
  signal.throwIfAborted();
  if (late.aborted) throw new Error(`${formatCommand({ program, args })} took longer than ${timeoutMs} ms`);
  return success;
}

/** Formats a command for readers only. */
export function formatCommand({ program, args }: Command): string {
  return [program, ...args].map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");
}
