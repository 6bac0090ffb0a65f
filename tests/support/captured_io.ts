/**
 * A terminal for tests of the command line: it keeps everything that is written, and closes or interrupts on request.
 */
import { systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/time.ts";
import type { CliIo, Sink } from "../../src/cli/io.ts";
import { within } from "./workspace_fixture.ts";

export class CapturedIo implements CliIo {
  out = "";
  err = "";
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly colour: boolean;
  readonly terminal: boolean;
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly #gone = new AbortController();
  readonly #interrupts = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(
    options: { cwd: string; colour?: boolean; terminal?: boolean; env?: Record<string, string>; clock?: Clock },
  ) {
    this.cwd = options.cwd;
    this.colour = options.colour ?? false;
    this.terminal = options.terminal ?? false;
    // A home of its own: no test may find the workspace of the person who runs it.
    this.env = { HOME: options.cwd, ...options.env };
    this.clock = options.clock ?? systemClock;
    const never = new AbortController().signal;
    const sink = (where: "out" | "err", gone: AbortSignal): Sink => ({
      gone,
      write: (text) => this.#wrote(where, text),
      writeLater: (text) => Promise.resolve(this.#wrote(where, text)),
    });
    this.stdout = sink("out", this.#gone.signal);
    this.stderr = sink("err", never);
  }

  /** Closes the reader's end of stdout. */
  closeReader(): void {
    this.#gone.abort();
  }

  get listening(): boolean {
    return this.#interrupts.size > 0;
  }

  interrupt(): void {
    for (const fire of this.#interrupts) fire();
  }

  onInterrupt(fire: () => void): () => void {
    this.#interrupts.add(fire);
    return () => void this.#interrupts.delete(fire);
  }

  readonly #hangups = new Set<() => void>();

  hangUp(): void {
    for (const fire of this.#hangups) fire();
  }

  onHangup(fire: () => void): () => void {
    this.#hangups.add(fire);
    return () => void this.#hangups.delete(fire);
  }

  /** Resolves when stdout matches `pattern`. */
  seen(pattern: RegExp): Promise<void> {
    const look = async () => {
      while (!pattern.test(this.out)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    };
    return within(look(), `the command to print ${pattern}`, () => this.out + this.err);
  }

  #wrote(where: "out" | "err", text: string): void {
    if (where === "err") this.err += text;
    else if (!this.#gone.signal.aborted) this.out += text;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
