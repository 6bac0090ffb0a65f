/**
 * `nerve run`: the kernel in the foreground, with the control API on its socket.
 * I1. A wrong nerve.yaml starts nothing.
 * I2. The API is up only while the kernel is: it starts after it and stops before it, under the workspace's lock.
 * I3. The first interrupt stops in order, the second one at once.
 */
import { formatDuration } from "../../base/duration.ts";
import { messageOf } from "../../base/errors.ts";
import { version } from "../../base/version.ts";
import { loadNerveConfig } from "../../config/load.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { formatProblems } from "../../config/problem.ts";
import type { NerveConfig } from "../../config/types.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ControlServer } from "../../control/server.ts";
import type { KernelView } from "../../control/view.ts";
import type { KernelEvent } from "../../protocol/event.ts";
import { eventLine, Tally } from "../event_lines.ts";
import { type CliIo, exit } from "../io.ts";
import { clockTime, dim, plural, print, printable, sign } from "../output.ts";
import { openWorkspace } from "../workspace.ts";

/** What this command needs of a kernel; `createKernel` returns one. */
export interface ForegroundKernel {
  readonly ready: Promise<void>;
  /** Only while it runs. */
  readonly view: KernelView;
  events(): AsyncIterable<KernelEvent>;
  stop(): Promise<void>;
  stopAtOnce(): void;
}

export type KernelMaker = (config: NerveConfig, root: string) => Promise<ForegroundKernel>;

interface Flags {
  readonly for?: number | undefined;
  readonly workspace?: string | undefined;
}

type Run = (io: CliIo, flags: Flags) => Promise<number>;

export const run: Run = runWith(async (config, root) => {
  return (await import("../../kernel/kernel.ts")).createKernel(config, root);
});

export function runWith(makeKernel: KernelMaker): Run {
  return async (io, flags) => {
    const paths = await openWorkspace(io, flags.workspace);
    const parsed = await loadNerveConfig(paths);
    if (!parsed.ok) {
      io.stderr.write(`${formatProblems(parsed.error, "text")}\n`);
      io.stderr.write(
        `${sign.failed} nothing was started\n   nerve validate shows the same, and loads what is there\n`,
      );
      return exit.failed;
    }
    const kernel = await makeKernel(parsed.value.config, paths.root);
    const events = kernel.events();
    await kernel.ready;
    return await foreground(io, flags, { kernel, events, paths, parsed: parsed.value });
  };
}

interface Running {
  readonly kernel: ForegroundKernel;
  readonly events: AsyncIterable<KernelEvent>;
  readonly paths: WorkspacePaths;
  readonly parsed: ParsedConfig;
}

async function foreground(io: CliIo, flags: Flags, { kernel, events, paths, parsed }: Running): Promise<number> {
  const from = io.clock.monotonic(), tally = new Tally();
  const atOnce = Promise.withResolvers<number>(), failed = Promise.withResolvers<never>();
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    (async () => {
      await (await server).stop();
      await kernel.stop();
    })().catch(failed.reject);
  };
  printStart(io, paths, parsed);
  const server = startServer(io, kernel, paths, stop);
  const forget = io.onInterrupt(() => {
    if (!stopping) {
      print(io, `${clockTime(io.clock.now())} ${sign.asleep} stopping; once more ends it at once`);
      return stop();
    }
    kernel.stopAtOnce();
    atOnce.resolve(exit.interrupted);
  });
  const cancel = flags.for === undefined ? () => {} : io.clock.after(flags.for, stop);
  io.stdout.gone.addEventListener("abort", stop, { once: true });
  try {
    const shown = show(io, events, tally).then(() => exit.ok);
    const code = await Promise.race([server.then(() => shown), atOnce.promise, failed.promise]);
    const took = formatDuration(Math.round((io.clock.monotonic() - from) / 1_000) * 1_000);
    print(io, `${code === exit.ok ? sign.ok : sign.failed} stopped after ${took}: ${tally}`);
    print(io, dim(io, `   log: ${printable(paths.logDatabase)} (nerve events)`));
    return code;
  } catch (thrown) {
    // The socket could not be served, or the stop failed: nothing of ours may stay behind.
    await kernel.stop();
    throw thrown;
  } finally {
    cancel();
    forget();
    io.stdout.gone.removeEventListener("abort", stop);
  }
}

async function startServer(
  io: CliIo,
  kernel: ForegroundKernel,
  paths: WorkspacePaths,
  stop: () => void,
): Promise<ControlServer> {
  const [{ createApp }, { serveControl }] = await Promise.all([
    import("../../control/app.ts"),
    import("../../control/server.ts"),
  ]);
  const report = (thrown: unknown) => io.stderr.write(`${sign.warning} control API: ${printable(messageOf(thrown))}\n`);
  const app = createApp(kernel.view, { version, stop, report });
  return serveControl(app, { path: paths.socket, clock: io.clock, report });
}

function printStart(io: CliIo, paths: WorkspacePaths, { config, warnings }: ParsedConfig): void {
  if (warnings.length > 0) print(io, formatProblems(warnings, "text"));
  const parts = `${plural(config.senses.size, "sense")}, ${plural(config.workflows.size, "workflow")}`;
  print(io, `${clockTime(io.clock.now())} ${sign.live} nerve ${version} runs ${printable(paths.root)}: ${parts}`);
}

async function show(io: CliIo, events: AsyncIterable<KernelEvent>, tally: Tally): Promise<void> {
  for await (const event of events) {
    tally.count(event);
    const line = eventLine(event);
    if (line !== null) print(io, `${dim(io, clockTime(timeOf(event, io)))} ${line}`);
  }
}

function timeOf(event: KernelEvent, io: CliIo): number {
  if (event.kind === "signal") return event.signal.ts;
  return event.kind === "run" ? io.clock.now() : event.ts;
}
