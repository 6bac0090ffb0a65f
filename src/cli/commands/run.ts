/**
 * `nerve run`: the kernel in the foreground, with the control API on its socket.
 * How it lives and ends is in daemon/kernel_host.ts; this file is what the terminal shows of it.
 * I1. A wrong nerve.yaml starts nothing.
 * I2. When the workspace was taken away, a kernel is started anew as soon as one can be there again, as `nerve start`
 *     does (daemon/kernel_supervisor.ts).
 * I3. It ends with the terminal that it was started in, also when it has nothing to write there. Without one SIGHUP asks
 *     for a reload.
 * I4. What becomes of its output holds nothing up: it is written beside the work, and dropped when it cannot be.
 */
import { formatDuration } from "../../base/duration.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { workspaceAwayMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import { version } from "../../base/version.ts";
import { formatProblems } from "../../config/diagnostic.ts";
import { loadNerveConfig } from "../../config/load.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import type { NerveConfig } from "../../config/types.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { waitUntil } from "../../daemon/discovery.ts";
import { type HostedKernel, hostKernel, type KernelHostEnd } from "../../daemon/kernel_host.ts";
import { workspaceExists } from "../../daemon/workspace_watch.ts";
import type { KernelEvent } from "../../protocol/event.ts";
import { type CliIo, exit } from "../io.ts";
import { formatEvent, Tally } from "../render/event_lines.ts";
import { createLossySinks } from "../render/lossy_sink.ts";
import { dim, formatClockTime, plural, print, sign } from "../render/terminal.ts";
import { refreshEditorTypes } from "../scaffold/editor_types.ts";
import { openWorkspace } from "../workspace.ts";

export type KernelMaker = (config: NerveConfig, root: string, options: { watch: boolean }) => Promise<HostedKernel>;

interface Flags {
  readonly for?: number | undefined;
  /** Follow changes of files. */
  readonly watch: boolean;
  readonly workspace?: string | undefined;
}

type Run = (io: CliIo, flags: Flags) => Promise<number>;

export const run: Run = createRunCommand(async (config, root, options) => {
  return (await import("../../kernel/kernel.ts")).createKernel(config, root, options);
});

export function createRunCommand(makeKernel: KernelMaker): Run {
  return async (given, flags) => {
    const { io, lost, flush } = createLossySinks(given);
    try {
      return await toTheEnd(makeKernel, io, flags);
    } finally {
      await flush();
      if (lost() > 0) io.stderr.write(`${sign.warning} ${plural(lost(), "line")} could not be written to stdout\n`);
    }
  };
}

async function toTheEnd(makeKernel: KernelMaker, io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  await refreshEditorTypes(io, paths.root);
  const parsed = await loadNerveConfig(paths);
  if (!parsed.ok) {
    io.stderr.write(`${formatProblems(parsed.error, "text")}\n`);
    io.stderr.write(
      `${sign.failed} nothing was started\n   nerve validate shows the same, and loads what is there\n`,
    );
    return exit.failed;
  }
  const start = (parsed: ParsedConfig) => started(makeKernel, flags, paths, parsed);
  return await foreground(io, flags, await start(parsed.value), start);
}

interface Running {
  readonly kernel: HostedKernel;
  readonly events: AsyncIterable<KernelEvent>;
  readonly paths: WorkspacePaths;
  readonly parsed: ParsedConfig;
}
type Start = (parsed: ParsedConfig) => Promise<Running>;

async function started(
  makeKernel: KernelMaker,
  { watch }: Flags,
  paths: WorkspacePaths,
  parsed: ParsedConfig,
): Promise<Running> {
  const kernel = await makeKernel(parsed.config, paths.root, { watch });
  const events = kernel.events();
  await kernel.ready;
  return { kernel, events, paths, parsed };
}

async function foreground(io: CliIo, flags: Flags, first: Running, start: Start): Promise<number> {
  const from = io.clock.monotonic(), tally = new Tally(), { paths } = first, over = new AbortController();
  const cancel = flags.for === undefined ? () => {} : io.clock.after(flags.for, () => over.abort());
  const leave = () => over.abort();
  io.stdout.gone.addEventListener("abort", leave, { once: true });
  const forget = io.terminal ? io.onHangup(leave) : () => {};
  try {
    let end = await hosted(io, first, tally, over.signal);
    while (end === "gone") {
      const again = await startAgain(io, paths, start, over);
      if (typeof again === "string") {
        io.stderr.write(`${sign.failed} nothing runs any more: ${toPrintable(again)}\n`);
        return exit.failed;
      }
      if (again === null) break;
      end = await hosted(io, again, tally, over.signal);
    }
    const ok = end !== "at once";
    const took = formatDuration(Math.round((io.clock.monotonic() - from) / 1_000) * 1_000);
    print(io, `${ok ? sign.ok : sign.failed} stopped after ${took}: ${tally}`);
    print(io, dim(io, `   log: ${toPrintable(paths.logDatabase)} (nerve events)`));
    return ok ? exit.ok : exit.interrupted;
  } finally {
    cancel();
    forget();
    io.stdout.gone.removeEventListener("abort", leave);
  }
}

/** One kernel, from its start to its end. */
async function hosted(
  io: CliIo,
  { kernel, events, paths, parsed }: Running,
  tally: Tally,
  over: AbortSignal,
): Promise<KernelHostEnd> {
  const time = () => dim(io, formatClockTime(io.clock.now()));
  printStart(io, paths, parsed);
  const hosting = hostKernel(kernel, events, {
    paths,
    clock: io.clock,
    onInterrupt: (fire) => io.onInterrupt(fire),
    ...!io.terminal && { onHangup: (fire) => io.onHangup(fire) },
    onEvent: (event) => show(io, event, tally),
    onStopping(cause) {
      if (cause === "interrupt") print(io, `${time()} ${sign.asleep} stopping; once more ends it at once`);
    },
    report: (what) => io.stderr.write(`${sign.warning} ${toPrintable(what)}\n`),
  });
  const stop = () => hosting.stop("request");
  over.addEventListener("abort", stop, { once: true });
  // An abort that has happened already is told to no listener: a reader that was gone before the first line.
  if (over.aborted || io.stdout.gone.aborted) stop();
  try {
    return await hosting.end;
  } finally {
    over.removeEventListener("abort", stop);
  }
}

/** The next kernel, or why there is none; null when nobody wants one any more. */
async function startAgain(
  io: CliIo,
  paths: WorkspacePaths,
  start: Start,
  over: AbortController,
): Promise<Running | string | null> {
  const time = dim(io, formatClockTime(io.clock.now()));
  print(io, `${time} ${sign.warning} the workspace was removed, moved or replaced: what ran in it has ended`);
  print(io, dim(io, `   it starts anew when ${toPrintable(paths.configFile)} is there again; Ctrl-C ends it`));
  let running: Running | null = null, why = "there is no nerve.yaml";
  const forget = io.onInterrupt(() => over.abort());
  const attempt = async () => {
    if (over.signal.aborted) return true;
    if (!workspaceExists(paths)) return false;
    const parsed = await loadNerveConfig(paths);
    try {
      if (parsed.ok) running = await start(parsed.value);
      else why = formatProblems(parsed.error, "text");
    } catch (thrown) {
      // It may be half written; but where another daemon runs by now none of ours is wanted.
      if (!(thrown instanceof NerveError) || thrown.code === "DAEMON_RUNNING") throw thrown;
      why = messageOf(thrown);
    }
    return running !== null;
  };
  try {
    const decided = await waitUntil(io.clock, workspaceAwayMaxMs, attempt);
    return decided ? running : `the workspace was taken away, and nothing could be started in its place: ${why}`;
  } finally {
    forget();
  }
}

function printStart(io: CliIo, paths: WorkspacePaths, { config, warnings }: ParsedConfig): void {
  if (warnings.length > 0) print(io, formatProblems(warnings, "text"));
  const parts = `${plural(config.senses.size, "sense")}, ${plural(config.workflows.size, "workflow")}`;
  print(
    io,
    `${formatClockTime(io.clock.now())} ${sign.live} nerve ${version} runs ${toPrintable(paths.root)}: ${parts}`,
  );
}

function show(io: CliIo, event: KernelEvent, tally: Tally): void {
  tally.count(event);
  const line = formatEvent(event);
  if (line !== null) print(io, `${dim(io, formatClockTime(timeOf(event, io)))} ${line}`);
}

function timeOf(event: KernelEvent, io: CliIo): number {
  if (event.kind === "signal") return event.signal.ts;
  return event.kind === "run" ? io.clock.now() : event.ts;
}
