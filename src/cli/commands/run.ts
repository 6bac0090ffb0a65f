/**
 * `nerve run`: the kernel in the foreground, with the control API on its socket.
 * How it lives and ends is in daemon/hosting.ts; this file is what the terminal shows of it.
 * I1. A wrong nerve.yaml starts nothing.
 */
import { formatDuration } from "../../base/duration.ts";
import { version } from "../../base/version.ts";
import { loadNerveConfig } from "../../config/load.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { formatProblems } from "../../config/problem.ts";
import type { NerveConfig } from "../../config/types.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { type HostedKernel, hostKernel } from "../../daemon/hosting.ts";
import type { KernelEvent } from "../../protocol/event.ts";
import { eventLine, Tally } from "../event_lines.ts";
import { type CliIo, exit } from "../io.ts";
import { clockTime, dim, plural, print, printable, sign } from "../output.ts";
import { openWorkspace } from "../workspace.ts";

export type KernelMaker = (config: NerveConfig, root: string, options: { watch: boolean }) => Promise<HostedKernel>;

interface Flags {
  readonly for?: number | undefined;
  /** Follow changes of files. */
  readonly watch: boolean;
  readonly workspace?: string | undefined;
}

type Run = (io: CliIo, flags: Flags) => Promise<number>;

export const run: Run = runWith(async (config, root, options) => {
  return (await import("../../kernel/kernel.ts")).createKernel(config, root, options);
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
    const kernel = await makeKernel(parsed.value.config, paths.root, { watch: flags.watch });
    const events = kernel.events();
    await kernel.ready;
    return await foreground(io, flags, { kernel, events, paths, parsed: parsed.value });
  };
}

interface Running {
  readonly kernel: HostedKernel;
  readonly events: AsyncIterable<KernelEvent>;
  readonly paths: WorkspacePaths;
  readonly parsed: ParsedConfig;
}

async function foreground(io: CliIo, flags: Flags, { kernel, events, paths, parsed }: Running): Promise<number> {
  const from = io.clock.monotonic(), tally = new Tally();
  const time = () => dim(io, clockTime(io.clock.now()));
  printStart(io, paths, parsed);
  const hosting = hostKernel(kernel, events, {
    paths,
    clock: io.clock,
    onInterrupt: (fire) => io.onInterrupt(fire),
    onHangup: (fire) => io.onHangup(fire),
    onEvent: (event) => show(io, event, tally),
    onStopping(cause) {
      if (cause === "interrupt") print(io, `${time()} ${sign.asleep} stopping; once more ends it at once`);
      if (cause === "workspace gone") {
        print(io, `${time()} ${sign.warning} the workspace was removed or moved; stopping`);
      }
    },
    report: (what) => io.stderr.write(`${sign.warning} ${printable(what)}\n`),
  });
  const stop = () => hosting.stop("request");
  const cancel = flags.for === undefined ? () => {} : io.clock.after(flags.for, stop);
  io.stdout.gone.addEventListener("abort", stop, { once: true });
  try {
    const ok = await hosting.end === "in order";
    const took = formatDuration(Math.round((io.clock.monotonic() - from) / 1_000) * 1_000);
    print(io, `${ok ? sign.ok : sign.failed} stopped after ${took}: ${tally}`);
    print(io, dim(io, `   log: ${printable(paths.logDatabase)} (nerve events)`));
    return ok ? exit.ok : exit.interrupted;
  } finally {
    cancel();
    io.stdout.gone.removeEventListener("abort", stop);
  }
}

function printStart(io: CliIo, paths: WorkspacePaths, { config, warnings }: ParsedConfig): void {
  if (warnings.length > 0) print(io, formatProblems(warnings, "text"));
  const parts = `${plural(config.senses.size, "sense")}, ${plural(config.workflows.size, "workflow")}`;
  print(io, `${clockTime(io.clock.now())} ${sign.live} nerve ${version} runs ${printable(paths.root)}: ${parts}`);
}

function show(io: CliIo, event: KernelEvent, tally: Tally): void {
  tally.count(event);
  const line = eventLine(event);
  if (line !== null) print(io, `${dim(io, clockTime(timeOf(event, io)))} ${line}`);
}

function timeOf(event: KernelEvent, io: CliIo): number {
  if (event.kind === "signal") return event.signal.ts;
  return event.kind === "run" ? io.clock.now() : event.ts;
}
