/** The command line on the real terminal. Called by src/main.ts; the one place that exits. */
import { systemClock } from "../base/clock.ts";
import { runCli } from "./app.ts";
import type { CliIo, Sink } from "./io.ts";

export async function main(): Promise<never> {
  Deno.exit(await runCli(Deno.args, realIo()));
}

function realIo(): CliIo {
  const env = Deno.env.toObject();
  const plain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return {
    stdout: sink(Deno.stdout),
    stderr: sink(Deno.stderr),
    colour: Deno.stdout.isTerminal() && !plain,
    env,
    cwd: Deno.cwd(),
    clock: systemClock,
    onInterrupt(fire) {
      const signals = ["SIGINT", "SIGTERM"] as const;
      for (const signal of signals) Deno.addSignalListener(signal, fire);
      return () => {
        for (const signal of signals) Deno.removeSignalListener(signal, fire);
      };
    },
  };
}

function sink(stream: { writeSync(bytes: Uint8Array): number }): Sink {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  return {
    gone: gone.signal,
    write(text) {
      if (gone.signal.aborted) return;
      try {
        const bytes = encoder.encode(text);
        for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
        gone.abort();
      }
    },
  };
}
