/** `command`: runs a program for a role or compute. Authors import it from "nerve". */
import { delay } from "../base/time.ts";
import { systemClock } from "../base/clock.ts";
import { formatDuration, parseDuration } from "../base/duration.ts";
import { ok } from "../base/result.ts";
import { forwardLines } from "../base/output_lines.ts";
import { runPrograms } from "./host.ts";
import type { LogFunction } from "./sense.ts";
import type { Span } from "./waits.ts";

export interface CommandOptions {
  /** When it aborts, the program and everything that it started are killed. */
  readonly signal: AbortSignal;
  /**
   * Gets the lines that the program prints, as they come; lines in quick succession share a row. At most 10,000 lines
   * and 1 Mi characters are logged; a last row counts the rest. Default: nothing is logged.
   */
  readonly log?: LogFunction;
  /** The working directory. Default: the workspace folder. */
  readonly cwd?: string;
  /** Environment variables, in addition to those of the unit. */
  readonly env?: Readonly<Record<string, string>>;
  /** The time limit. Default: none. */
  readonly timeout?: Span;
}

export interface CommandResult {
  /** Whether `code` is 0. */
  readonly success: boolean;
  /** The exit code; 128 plus the signal's number when a signal ended the program. */
  readonly code: number;
  /** The last 64 Ki characters of stdout and stderr, interleaved as they came; lines are cut after 16 Ki. */
  readonly output: string;
}

const loggedMaxLines = 10_000, loggedMaxChars = 2 ** 20, outputMaxChars = 2 ** 16;
/** A unit may log 100 rows a second; see limits.ts. */
const rowMinMs = 20, rowMaxChars = 3_500;
/** After the program's end: how long its output must be quiet, and how often that is checked. */
const quietMs = 1_000, quietTriesMax = 10;

/**
 * Runs a program that `permissions.run` names, and resolves when it has ended; by then everything that it started has
 * ended too. Rejects with the reason of `signal`, with a DOMException "TimeoutError" after `timeout`, and as
 * Deno.Command does when the program cannot be started: NotFound, NotCapable.
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
  const limitMs = timeout === undefined ? null : toMs(timeout);
  ended.throwIfAborted();
  const cancel = limitMs === null ? () => {} : systemClock.after(limitMs, () => {
    limit.abort(new DOMException(`${program} took longer than ${formatDuration(limitMs)}`, "TimeoutError"));
  });
  const output = new Output(log ?? null);
  try {
    return await runPrograms(async () => {
      const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
      const child = new Deno.Command(program, { ...where, ...streams, args: [...args] }).spawn();
      const { code, success } = await untilEnd(child, ended, output);
      return { success, code, output: output.text };
    });
  } finally {
    cancel();
    output.close();
  }
}

/** Waits for the end of the program and of its output. When `ended` aborts, kills the program and rejects. */
async function untilEnd(
  child: Deno.ChildProcess,
  ended: AbortSignal,
  output: Output,
): Promise<Deno.CommandStatus> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(ended.reason);
  ended.addEventListener("abort", abort, { once: true });
  const read = (stream: ReadableStream<Uint8Array>) =>
    forwardLines(stream, (line) => output.add(line), () => ended.aborted ? null : output.pace());
  const printed = Promise.all([child.stdout, child.stderr].map(read));
  printed.catch(() => {}); // A failure surfaces in the race below.
  try {
    const status = await Promise.race([child.status, aborted]);
    await Promise.race([printed, aborted, output.untilQuiet()]);
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
    // The program has ended already.
    if (!(thrown instanceof TypeError)) throw thrown;
  }
}

/**
 * Logs the first lines and keeps the last ones. Lines that come faster than the log accepts rows share a row; beyond
 * that, the program has to wait.
 */
class Output {
  readonly #log: LogFunction | null;
  #heard = 0;
  #lines = 0;
  #chars = 0;
  #dropped = 0;
  /** The next row, and when the last one was logged. */
  #waiting = "";
  #loggedAt = -Infinity;
  /** The newest output: at least `outputMaxChars` characters, if there are as many. */
  #older = "";
  #newer = "";

  constructor(log: LogFunction | null) {
    this.#log = log;
  }

  add(line: string): void {
    this.#heard++;
    this.#newer += `${line}\n`;
    if (this.#newer.length >= outputMaxChars) [this.#older, this.#newer] = [this.#newer, ""];
    if (this.#log === null) return;
    this.#lines++;
    this.#chars += line.length;
    if (this.#lines > loggedMaxLines || this.#chars > loggedMaxChars) this.#dropped++;
    else if (this.#waiting === "") this.#waiting = line;
    else if (this.#waiting.length + line.length < rowMaxChars) this.#waiting += `\n${line}`;
    else {
      this.#flush();
      this.#waiting = line;
    }
  }

  /** Called after each chunk of output: yields to other work, and waits while the log is behind. */
  async pace(): Promise<void> {
    do await new Promise<void>((resolve) => systemClock.after(Math.max(0, this.#aheadMs()), resolve)); while (
      this.#aheadMs() > 0
    );
    this.#flush();
  }

  /** Rows may run ahead of their rate only by what one chunk of output causes. */
  #aheadMs(): number {
    return this.#waiting === "" ? 0 : this.#loggedAt + rowMinMs - systemClock.monotonic();
  }

  #flush(): void {
    if (this.#waiting === "") return;
    this.#log?.("info", this.#waiting);
    this.#waiting = "";
    this.#loggedAt = Math.max(systemClock.monotonic(), this.#loggedAt + rowMinMs);
  }

  /** Programs that were left running may hold the output open for ever; they are ended only after this. */
  async untilQuiet(): Promise<void> {
    for (let left = quietTriesMax, heard = -1; left > 0 && heard !== this.#heard; left--) {
      heard = this.#heard;
      await delay(systemClock, quietMs);
    }
  }

  get text(): string {
    return (this.#older + this.#newer).slice(-outputMaxChars);
  }

  close(): void {
    this.#flush();
    if (this.#dropped > 0) this.#log?.("warn", `${this.#dropped} more lines of its output were not logged`);
  }
}

function toMs(span: Span): number {
  const parsed = typeof span === "number" ? ok(span) : parseDuration(span);
  if (parsed.ok && parsed.value > 0 && Number.isFinite(parsed.value)) return parsed.value;
  throw new TypeError(`command: the timeout ${parsed.ok ? `${span} is not a span of time` : parsed.error}`);
}
