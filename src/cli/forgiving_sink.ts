/**
 * The stdout of a command that must not end because its output cannot be written: `nerve run` under a file on a disk
 * that is full. What cannot be written is dropped and counted; the operator is told once, on stderr, and a reader of the
 * output where it goes on. Used by commands/run.ts.
 */
import { NerveError } from "../base/errors.ts";
import type { CliIo, Sink } from "./io.ts";
import { plural, printable, sign } from "./output.ts";

/** `io`, with a stdout that never throws for what the system refuses. `lost` counts what it dropped. */
export function forgiving(io: CliIo): { readonly io: CliIo; readonly lost: () => number } {
  const stdout = new ForgivingSink(io.stdout, (why) => {
    io.stderr.write(`${sign.warning} ${printable(why)}; nerve goes on without it: nerve events shows what happens\n`);
  });
  const { stderr, colour, env, cwd, clock, terminal } = io;
  const onInterrupt = (fire: () => void) => io.onInterrupt(fire), onHangup = (fire: () => void) => io.onHangup(fire);
  return { io: { stdout, stderr, colour, env, cwd, clock, terminal, onInterrupt, onHangup }, lost: () => stdout.lost };
}

class ForgivingSink implements Sink {
  readonly #to: Sink;
  readonly #tell: (why: string) => void;
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
    try {
      if (this.#untold > 0) {
        this.#to.write(`${sign.warning} ${plural(this.#untold, "line")} could not be written here\n`);
      }
      this.#untold = 0;
      this.#to.write(text);
    } catch (thrown) {
      if (!(thrown instanceof NerveError)) throw thrown;
      this.#untold++;
      this.lost++;
      if (this.#told) return;
      this.#told = true;
      this.#tell(thrown.message);
    }
  }
}
