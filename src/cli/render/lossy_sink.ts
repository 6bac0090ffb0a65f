/**
 * A stdout that never blocks its command: `nerve run` keeps running when the disk below its output is full, its
 * terminal is paused (Ctrl-S), or its reader stops reading. Lines wait in a bounded queue and are written one after the
 * other, asynchronously; what cannot be written is dropped and counted. stderr reports the first loss once; the output
 * itself reports how many lines were lost, where it resumes. Used by cli/commands/run.ts.
 */
import { messageOf } from "../../base/errors.ts";
import { subscriberQueueMax } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import type { Clock } from "../../base/time.ts";
import type { CliIo, Sink } from "../io.ts";
import { plural, sign } from "./terminal.ts";

/** How long `flush` waits for the last lines. */
const flushMaxMs = 1_000;

export interface LossySinks {
  /** The given io with a stdout that never throws and never waits for its reader. */
  readonly io: CliIo;
  /** How many lines were dropped. */
  readonly lost: () => number;
  /** Resolves when everything is written, or after a second; the rest is then dropped. */
  readonly flush: () => Promise<void>;
}

export function createLossySinks(io: CliIo): LossySinks {
  const stdout = new LossySink(io.stdout, (why) => {
    io.stderr.write(
      `${sign.warning} ${toPrintable(why)}; nerve keeps running without it: nerve events shows what happens\n`,
    );
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
  readonly #target: Sink;
  readonly #reportLoss: (why: string) => void;
  readonly #waiting: string[] = [];
  #writing: Promise<void> | null = null;
  /** Lost lines that the output itself has not mentioned yet. */
  #unreported = 0;
  #lossReported = false;
  lost = 0;

  /** `reportLoss` is called once, with the reason of the first loss. */
  constructor(target: Sink, reportLoss: (why: string) => void) {
    this.#target = target;
    this.#reportLoss = reportLoss;
  }

  get gone(): AbortSignal {
    return this.#target.gone;
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
        const count = this.#unreported;
        if (count > 0) {
          await this.#target.writeLater(`${sign.warning} ${plural(count, "line")} could not be written here\n`);
          this.#unreported -= count;
        }
        await this.#target.writeLater(text);
      } catch (thrown) {
        this.#lose(messageOf(thrown));
      }
    }
  }

  #lose(why: string): void {
    this.#unreported++;
    this.lost++;
    if (this.#lossReported) return;
    this.#lossReported = true;
    this.#reportLoss(why);
  }
}
