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
  /** Programs such as ping and smartctl report their findings with it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Returns what the program writes to standard output. It runs without a shell and with empty standard input. When
 * `signal` aborts, the program is killed and the signal's reason thrown. When the exit code is not 0, throws an Error
 * that begins with `failure` and contains the first line of standard error, and the first line that is marked as an
 * error, if that is another one.
 */
export async function runProgram(program: Program, signal: AbortSignal, failure: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(program, signal);
  if (code !== 0) throw new Error(`${failure}: ${findReason(stderr) || `exit code ${code}`}`);
  return stdout;
}

/** Like `runProgram`, for any exit code. Kills a program that prints more than `outputMaxBytes`, and throws. */
export async function runToEnd({ name, args, env }: Program, signal: AbortSignal): Promise<Ended> {
  const tooMuch = new AbortController(), limit = AbortSignal.any([signal, tooMuch.signal]);
  const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(name, { args: [...args], env: { ...env }, ...streams, signal: limit }).spawn();
  const read = (stream: ReadableStream<Uint8Array>) => readText(stream, () => tooMuch.abort());
  const [stdout, stderr, { code }] = await Promise.all([read(child.stdout), read(child.stderr), child.status]);
  signal.throwIfAborted();
  if (tooMuch.signal.aborted) throw new Error(`${name} prints more than ${outputMaxBytes / 2 ** 20} MiB`);
  return { code, stdout, stderr };
}

/** Both outputs, as text, and what is made from them fit into the memory of a sense. */
const outputMaxBytes = 16 * 2 ** 20;

async function readText(stream: ReadableStream<Uint8Array>, stop: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "", length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > outputMaxBytes) {
      stop();
      return "";
    }
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** The first line may be a text from a server, a warning, or the cause; the error comes later. */
function findReason(text: string): string {
  const lines = text.trim().split("\n"), [first = ""] = lines;
  const error = lines.find((line) => /^(?:fatal|error|E):/i.test(line));
  return error === undefined || error === first ? first : `${first}; ${error}`;
}

export function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line;
}
