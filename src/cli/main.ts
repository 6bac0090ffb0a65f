/** Runs the command line on the real terminal. Called by src/main.ts; the only place that exits. */
import { systemClock } from "../base/clock.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { toOsError } from "../base/os_error.ts";
import type { CancelTimer } from "../base/time.ts";
import { runCli } from "./app.ts";
import type { CliIo, Sink } from "./io.ts";

export async function main(): Promise<never> {
  Deno.exit(await runCli(Deno.args, createRealIo()));
}

function createRealIo(): CliIo {
  const env = Deno.env.toObject();
  const plain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    stdout: createSink(Deno.stdout, throwWriteError),
    // When stderr fails too, there is nowhere left to report it.
    stderr: createSink(Deno.stderr, () => {}),
    colour: Deno.stdout.isTerminal() && !plain,
    terminal: Deno.stdin.isTerminal() || Deno.stdout.isTerminal(),
    env,
    get cwd() {
      return readCurrentFolder();
    },
    clock: systemClock,
    onInterrupt: (fire) => onSignals(["SIGINT", "SIGTERM"], fire),
    onHangup: (fire) => onSignals(["SIGHUP"], fire),
  };
}

/** Throws when the folder was removed or its name is not UTF-8. Commands that need no folder do not call it. */
function readCurrentFolder(): string {
  try {
    return Deno.cwd();
  } catch (thrown) {
    const message = `the current folder has no path that nerve can use: ${messageOf(thrown)}`;
    throw new NerveError("WORKSPACE_MISSING", message, { hint: "cd into another folder", cause: thrown });
  }
}

function onSignals(signals: readonly Deno.Signal[], fire: () => void): CancelTimer {
  for (const signal of signals) Deno.addSignalListener(signal, fire);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, fire);
  };
}

/** Reports an operating system error, such as a full disk under a redirected stdout; anything else is our bug. */
function throwWriteError(thrown: unknown): never {
  const osError = toOsError(thrown);
  if (osError === null) throw thrown;
  throw new NerveError("STORE_FAILED", `stdout cannot be written: ${osError.message}`, {
    hint: osError.hint,
    cause: thrown,
  });
}

interface Stream {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

function createSink(stream: Stream, fail: (thrown: unknown) => void): Sink {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const handleError = (thrown: unknown) => {
    // Writing to a closed terminal fails with EIO. While SIGHUP has a handler, this is how we notice.
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
        handleError(thrown);
      }
    },
    async writeLater(text) {
      if (gone.signal.aborted) return;
      try {
        const bytes = encoder.encode(text);
        for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
      } catch (thrown) {
        handleError(thrown);
      }
    },
  };
}
