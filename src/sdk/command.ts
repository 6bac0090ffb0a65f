/** `command`: runs a program for as long as a role or compute wants it. Authors import it from "nerve". */
import { systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import { forwardLines } from "../base/output_lines.ts";
import { runPrograms } from "./host.ts";
import type { LogFunction } from "./sense.ts";
import type { Span } from "./waits.ts";

export interface CommandOptions {
  /** When it aborts, the program ends, and all that it has started. */
  readonly signal: AbortSignal;
  /**
   * Gets each line that the program prints, as it comes: up to 10,000 lines and 1 MiB; how many more there were is the
   * last one. Default: nothing is logged.
   */
  readonly log?: LogFunction;
  /** Default: the folder of the workspace. */
  readonly cwd?: string;
  /** Added to the variables of the unit. */
  readonly env?: Readonly<Record<string, string>>;
  /** The longest time. Default: none. */
  readonly timeout?: Span;
}

export interface CommandResult {
  /** Whether `code` is 0. */
  readonly success: boolean;
  /** The exit code; 128 and the number of the signal when one has ended it. */
  readonly code: number;
  /** The last 64 KiB of what it printed, errors between the rest, as it came. */
  readonly output: string;
}

const loggedMaxLines = 10_000, loggedMaxChars = 2 ** 20, outputMaxChars = 2 ** 16;
/** How long to wait for the rest of what it has printed. */
const outputGraceMs = 1_000;

/**
 * Runs a program that `permissions.run` names, and resolves when it has ended; nothing that it has started goes on then.
 * Rejects with the reason of `signal`, with a DOMException "TimeoutError" after `timeout`, and as Deno.Command does
 * when it cannot be started: NotFound, NotCapable.
 * @example
 * ```ts
 * const { success, output } = await command("make", ["test"], { signal, log, timeout: "10m" });
 * ```
 */
export async function command(
  program: string,
  args: readonly string[],
  { signal, log, timeout, ...where }: CommandOptions,
): Promise<CommandResult> {
  const limit = new AbortController(), ended = AbortSignal.any([signal, limit.signal]);
  ended.throwIfAborted();
  const cancel = timeout === undefined ? () => {} : systemClock.after(toMs(timeout), () => {
    limit.abort(new DOMException(`${program} took longer than ${timeout}`, "TimeoutError"));
  });
  const output = new Output(log ?? null);
  try {
    return await runPrograms(async () => {
      const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
      const child = new Deno.Command(program, { ...where, ...streams, args: [...args] }).spawn();
      const { code, success } = await untilEnd(child, ended, (line) => output.add(line));
      return { success, code, output: output.text };
    });
  } finally {
    cancel();
    output.close();
  }
}

/** The end of the program and of what it prints. Rejects, and ends it, when `ended` aborts. */
async function untilEnd(
  child: Deno.ChildProcess,
  ended: AbortSignal,
  onLine: (line: string) => void,
): Promise<Deno.CommandStatus> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(ended.reason);
  ended.addEventListener("abort", abort, { once: true });
  const printed = Promise.all([child.stdout, child.stderr].map((stream) => forwardLines(stream, onLine)));
  printed.catch(() => {}); // When it is waited for, it fails there.
  try {
    const status = await Promise.race([child.status, aborted]);
    // What it has left running may hold its output open for ever, and ends only after this.
    await Promise.race([printed, aborted, new Promise<void>((resolve) => systemClock.after(outputGraceMs, resolve))]);
    return status;
  } finally {
    ended.removeEventListener("abort", abort);
    if (ended.aborted) kill(child);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (thrown) {
    // It has ended already.
    if (!(thrown instanceof TypeError)) throw thrown;
  }
}

/** Logs the first lines, and keeps the last ones. */
class Output {
  readonly #log: LogFunction | null;
  #lines = 0;
  #chars = 0;
  #dropped = 0;
  readonly #last: string[] = [];
  #lastChars = 0;

  constructor(log: LogFunction | null) {
    this.#log = log;
  }

  add(line: string): void {
    this.#last.push(line);
    this.#lastChars += line.length + 1;
    while (this.#last.length > 1 && this.#lastChars > outputMaxChars) {
      this.#lastChars -= (this.#last.shift()?.length ?? 0) + 1;
    }
    if (this.#log === null) return;
    this.#lines++;
    this.#chars += line.length;
    if (this.#lines > loggedMaxLines || this.#chars > loggedMaxChars) this.#dropped++;
    else this.#log("info", line);
  }

  get text(): string {
    return this.#last.map((line) => `${line}\n`).join("").slice(-outputMaxChars);
  }

  close(): void {
    if (this.#dropped > 0) this.#log?.("warn", `${this.#dropped} more lines of its output were not logged`);
  }
}

function toMs(span: Span): number {
  if (typeof span === "number") return span;
  const parsed = parseDuration(span);
  if (!parsed.ok) throw new TypeError(`command: the timeout ${parsed.error}`);
  return parsed.value;
}
