/** The command line on the real terminal. Called by src/main.ts; the one place that exits. */
import { systemClock } from "../base/clock.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { toOsError } from "../base/os_error.ts";
import type { CancelTimer } from "../base/time.ts";
import { runCli } from "./app.ts";
import type { CliIo, Sink } from "./io.ts";

export async function main(): Promise<never> {
  Deno.exit(await runCli(Deno.args, realIo()));
}

function realIo(): CliIo {
  const env = Deno.env.toObject();
  const plain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    stdout: sink(Deno.stdout, refused),
    // What cannot even be said on stderr is said nowhere.
    stderr: sink(Deno.stderr, () => {}),
    colour: Deno.stdout.isTerminal() && !plain,
    terminal: Deno.stdin.isTerminal() || Deno.stdout.isTerminal(),
    env,
    get cwd() {
      return currentFolder();
    },
    clock: systemClock,
    onInterrupt: (fire) => onSignals(["SIGINT", "SIGTERM"], fire),
    onHangup: (fire) => onSignals(["SIGHUP"], fire),
  };
}

/** A folder that was removed, or whose name is no UTF-8, has no path: commands that need none do without. */
function currentFolder(): string {
  try {
    return Deno.cwd();
  } catch (thrown) {
    const message = `The current folder has no path that nerve can use: ${messageOf(thrown)}`;
    throw new NerveError("WORKSPACE_MISSING", message, { hint: "cd into another folder", cause: thrown });
  }
}

function onSignals(signals: readonly Deno.Signal[], fire: () => void): CancelTimer {
  for (const signal of signals) Deno.addSignalListener(signal, fire);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, fire);
  };
}

/** A full disk under a redirected stdout is no bug of ours. */
function refused(thrown: unknown): never {
  const refusal = toOsError(thrown);
  if (refusal === null) throw thrown;
  throw new NerveError("STORE_FAILED", `stdout cannot be written: ${refusal.message}`, {
    hint: refusal.hint,
    cause: thrown,
  });
}

interface Stream {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

function sink(stream: Stream, fail: (thrown: unknown) => void): Sink {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const failed = (thrown: unknown) => {
    // A terminal that was closed answers EIO; with SIGHUP heard, that is how we learn of it.
    const closed = thrown instanceof Deno.errors.BrokenPipe || Reflect.get(Object(thrown), "code") === "EIO";
    if (closed) gone.abort();
    else fail(thrown);
  };
  return {
    gone: gone.signal,
    write(text) {
      if (gone.signal.aborted) return;
      try {
        const bytes = encoder.encode(text);
        for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
      } catch (thrown) {
        failed(thrown);
      }
    },
    async writeLater(text) {
      if (gone.signal.aborted) return;
      try {
        const bytes = encoder.encode(text);
        for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
      } catch (thrown) {
        failed(thrown);
      }
    },
  };
}
