/** Runs a program that reports something. Imported by the senses disk-usage, git-status and process-watch. */

export interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** Added to what the process may see of the environment; a program's language belongs here. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * What the program writes to its standard output. No shell, and nothing on its standard input; when `signal` aborts, it is
 * ended, and the reason is thrown. Throws an Error that begins with `failure` when the program ends with another code than
 * 0, with the first line of its standard error.
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
