/**
 * Runs a program and reads its output. Imported by the senses database-query, git-status, package-updates, ping,
 * process-watch, smart and systemd-units, and by the workflow git-build.
 */

export interface Program {
  readonly name: string;
  readonly args: readonly string[];
  /** Added to the environment; set the language of the output here. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  /** Programs such as ping and smartctl say with it what they found. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Returns what the program writes to standard output. It runs without a shell and with empty standard input. When
 * `signal` aborts, the program is ended and the signal's reason thrown. When the program exits with another code than
 * 0, throws an Error that begins with `failure` and has the first line of standard error, and the one that calls itself an
 * error, where that is another one.
 */
export async function runProgram(program: Program, signal: AbortSignal, failure: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(program, signal);
  if (code !== 0) throw new Error(`${failure}: ${findReason(stderr) || `exit code ${code}`}`);
  return stdout;
}

/** The same, whatever code it exits with. */
export async function runToEnd({ name, args, env }: Program, signal: AbortSignal): Promise<Ended> {
  const command = new Deno.Command(name, { args: [...args], env: { ...env }, stdin: "null", signal });
  const { code, stdout, stderr } = await command.output();
  signal.throwIfAborted();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Before the error there may be what a server says, a warning, or the cause. */
function findReason(text: string): string {
  const lines = text.trim().split("\n"), [first = ""] = lines;
  const error = lines.find((line) => /^(?:fatal|error|E):/i.test(line));
  return error === undefined || error === first ? first : `${first}; ${error}`;
}

export function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line;
}
