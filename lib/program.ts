/** Runs a program and reads its output. Imported by the senses git-status and process-watch. */

export interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** Added to the environment; set the language of the output here. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Returns what the program writes to standard output. It runs without a shell and with empty standard input. When
 * `signal` aborts, the program is ended and the signal's reason thrown. When the program exits with another code than
 * 0, throws an Error that begins with `failure` and has the first line of standard error.
 */
export async function runProgram({ name, args, env }: Program, signal: AbortSignal, failure: string): Promise<string> {
  const command = new Deno.Command(name, { args: [...args], env: { ...env }, stdin: "null", signal });
  const { success, code, stdout, stderr } = await command.output();
  signal.throwIfAborted();
  if (!success) {
    const [reason = ""] = new TextDecoder().decode(stderr).trim().split("\n");
    throw new Error(`${failure}: ${reason || `exit code ${code}`}`);
  }
  return new TextDecoder().decode(stdout);
}
