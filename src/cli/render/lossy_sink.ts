/**
 * The stdout of a command that must go on whatever becomes of its output: `nerve run` above a disk that is full, a
 * terminal that was told to pause (Ctrl-S), a reader that does not read. Lines wait here and are written one after the
 * other, never by the event loop; what cannot be written is dropped and counted. The operator is told once, on stderr,
 * and a reader of the output where it goes on. Used by cli/commands/run.ts.
 */
import { messageOf } from "../../base/errors.ts";
import { subscriberQueueMax } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import type { Clock } from "../../base/time.ts";
import type { CliIo, Sink } from "../io.ts";
import { plural, sign } from "./terminal.ts";

/** How long the last lines are waited for at the end. */
const flushMaxMs = 1_000;

export interface LossySinks {
  /** The same, with a stdout that never throws, and never waits for who reads it. */
  readonly io: CliIo;
  /** How many lines were dropped. */
  readonly lost: () => number;
  /** Resolves when all is written, or cannot be in a second: the rest is dropped then. */
  readonly flush: () => Promise<void>;
}

export function createLossySinks(io: CliIo): LossySinks {
  const stdout = new LossySink(io.stdout, (why) => {
    io.stderr.write(`${sign.warning} ${toPrintable(why)}; nerve goes on without it: nerve events shows what happens\n`);
  });
  const { stderr, colour, env, cwd, clock, terminal } = io;
  const onInterrupt = (fire: () => void) => io.onInterrupt(fire), onHangup = (fire: () => void) => io.onHangup(fire);
  return {
    io: { stdout, stderr, colour, env, cwd, clock, terminal, onInterrupt, onHangup },
    lost: () => stdout.lost,
    flush: () => stdout.flush(clock),
  };
}

class LossySink implements Sink {
  readonly #to: Sink;
  readonly #tell: (why: string) => void;
  readonly #waiting: string[] = [];
  #writing: Promise<void> | null = null;
  #untold = 0;
  #told = false;
  lost = 0;

  constructor(to: Sink, tell: (why: string) => void) {
    this.#to = to;
    this.#tell = tell;
  }

  get gone(): AbortSignal {
    return this.#to.gone;
  }

  write(text: string): void {
    if (this.#waiting.length >= subscriberQueueMax) {
      this.#waiting.shift();
      this.#lose("stdout is not read");
    }
    this.#waiting.push(text);
    this.#writing ??= this.#writeAll().finally(() => this.#writing = null);
  }

  async writeLater(text: string): Promise<void> {
    this.write(text);
    await this.#writing;
  }

  async flush(clock: Clock): Promise<void> {
    const late = Promise.withResolvers<void>(), cancel = clock.after(flushMaxMs, late.resolve);
    await Promise.race([this.#writing, late.promise]).finally(cancel);
    for (const _ of this.#waiting.splice(0)) this.#lose("stdout is not read");
  }

  async #writeAll(): Promise<void> {
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      try {
        const count = this.#untold;
        if (count > 0) {
          await this.#to.writeLater(`${sign.warning} ${plural(count, "line")} could not be written here\n`);
          this.#untold -= count;
        }
        await this.#to.writeLater(text);
      } catch (thrown) {
        this.#lose(messageOf(thrown));
      }
    }
  }

  #lose(why: string): void {
    this.#untold++;
    this.lost++;
    if (this.#told) return;
    this.#told = true;
    this.#tell(why);
  }
}
