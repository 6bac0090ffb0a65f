/**
 * `nerve run`: runs the kernel in the foreground, with the control API on its socket. daemon/kernel_host.ts runs and
 * ends the kernel; this file prints to the terminal.
 * I1. An invalid nerve.yaml starts nothing.
 * I2. When the workspace is removed, a new kernel starts as soon as a workspace exists again, as with `nerve start`
 *     (daemon/kernel_supervisor.ts).
 * I3. It ends when its terminal closes, even if it has nothing to write. Without a terminal, SIGHUP requests a reload.
 * I4. Output never blocks the kernel: it is written asynchronously, and dropped when it cannot be written.
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
import { ServiceManager } from "../../daemon/service_manager.ts";
import { type HostedKernel, hostKernel, type KernelHostEnd } from "../../daemon/kernel_host.ts";
import { workspaceExists } from "../../daemon/workspace_watch.ts";
import type { KernelEvent } from "../../protocol/event.ts";
import { warnOfMissingIndexes } from "../daemon/missing_indexes.ts";
import { type CliIo, exit } from "../io.ts";
import { formatEvent, Tally } from "../render/event_lines.ts";
import { createLossySinks } from "../render/lossy_sink.ts";
import { dim, formatClockTime, plural, print, sign } from "../render/terminal.ts";
import { refreshEditorTypes } from "../scaffold/editor_types.ts";
import { openWorkspace } from "../workspace.ts";

export type CreateKernel = (config: NerveConfig, root: string, options: { watch: boolean }) => Promise<HostedKernel>;

interface Flags {
  readonly for?: number | undefined;
  /** Reload when files change. */
  readonly watch: boolean;
  readonly workspace?: string | undefined;
}

type Run = (io: CliIo, flags: Flags) => Promise<number>;

export const run: Run = createRunCommand(async (config, root, options) => {
  const { Kernel } = await import("../../kernel/kernel.ts");
  return new Kernel(config, root, { ...options, holder: { kind: "foreground", program: "nerve" } });
});

export function createRunCommand(createKernel: CreateKernel): Run {
  return async (realIo, flags) => {
    const { io, lost, flush } = createLossySinks(realIo);
    try {
      return await loadAndRun(createKernel, io, flags);
    } finally {
      await flush();
      if (lost() > 0) io.stderr.write(`${sign.warning} ${plural(lost(), "line")} could not be written to stdout\n`);
    }
  };
}

async function loadAndRun(createKernel: CreateKernel, io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const parsed = await loadNerveConfig(paths);
  await refreshEditorTypes(io, paths, parsed.ok ? parsed.value.config.senses : null);
  if (!parsed.ok) {
    io.stderr.write(`${formatProblems(parsed.error, "text")}\n`);
    io.stderr.write(
      `${sign.failed} nothing was started\n   nerve validate shows the same errors, and loads the code too\n`,
    );
    return exit.failed;
  }
  warnOfMissingIndexes(io, paths);
  const start = (parsed: ParsedConfig) => startKernel(createKernel, flags, paths, parsed);
  return await runInForeground(io, flags, await start(parsed.value), start);
}

interface Running {
  readonly kernel: HostedKernel;
  readonly events: AsyncIterable<KernelEvent>;
  readonly paths: WorkspacePaths;
  readonly parsed: ParsedConfig;
}
type Start = (parsed: ParsedConfig) => Promise<Running>;

async function startKernel(
  createKernel: CreateKernel,
  { watch }: Flags,
  paths: WorkspacePaths,
  parsed: ParsedConfig,
): Promise<Running> {
  const kernel = await createKernel(parsed.config, paths.root, { watch });
  const events = kernel.events();
  await kernel.ready;
  return { kernel, events, paths, parsed };
}

async function runInForeground(io: CliIo, flags: Flags, first: Running, start: Start): Promise<number> {
  const startedAt = io.clock.monotonic(), tally = new Tally(), { paths } = first, over = new AbortController();
  const manager = ServiceManager.find(io.env, { clock: io.clock, pid: Deno.pid, report: (what) => warn(io, what) });
  const cancel = flags.for === undefined ? () => {} : io.clock.after(flags.for, () => over.abort());
  const abort = () => over.abort();
  io.stdout.gone.addEventListener("abort", abort, { once: true });
  const cancelHangup = io.terminal ? io.onHangup(abort) : () => {};
  try {
    let end = await hostUntilEnd(io, first, tally, over.signal, manager);
    while (end === "gone") {
      manager?.status("the workspace is gone");
      const next = await waitAndRestart(io, paths, start, over);
      if (typeof next === "string") {
        io.stderr.write(`${sign.failed} nothing runs any more: ${toPrintable(next)}\n`);
        return exit.failed;
      }
      if (next === null) break;
      end = await hostUntilEnd(io, next, tally, over.signal, manager);
    }
    const ok = end !== "at once";
    const took = formatDuration(Math.round((io.clock.monotonic() - startedAt) / 1_000) * 1_000);
    print(io, `${ok ? sign.ok : sign.failed} stopped after ${took}: ${tally}`);
    print(io, dim(io, `   log: ${toPrintable(paths.logDatabase)} (nerve events)`));
    return ok ? exit.ok : exit.interrupted;
  } finally {
    manager?.close();
    cancel();
    cancelHangup();
    io.stdout.gone.removeEventListener("abort", abort);
  }
}

/** Hosts a kernel until it ends. */
async function hostUntilEnd(
  io: CliIo,
  { kernel, events, paths, parsed }: Running,
  tally: Tally,
  over: AbortSignal,
  manager: ServiceManager | null,
): Promise<KernelHostEnd> {
  const time = () => dim(io, formatClockTime(io.clock.now()));
  printStart(io, paths, parsed);
  const hosting = hostKernel(kernel, events, {
    paths,
    clock: io.clock,
    onInterrupt: (fire) => io.onInterrupt(fire),
    ...!io.terminal && { onHangup: (fire) => io.onHangup(fire) },
    onEvent: (event) => show(io, event, tally),
    onServing: () => manager?.ready(countUnits(parsed)),
    onStopping(cause) {
      if (cause !== "workspace gone") manager?.stopping();
      if (cause === "interrupt") print(io, `${time()} ${sign.asleep} stopping; a second interrupt ends it at once`);
    },
    report: (what) => warn(io, what),
  });
  const stop = () => hosting.stop("request");
  over.addEventListener("abort", stop, { once: true });
  // A signal that has already aborted calls no new listener. The reader may be gone before the first line, for example.
  if (over.aborted || io.stdout.gone.aborted) stop();
  try {
    return await hosting.end;
  } finally {
    over.removeEventListener("abort", stop);
  }
}

/** Waits for the workspace and starts a kernel in it. Returns the reason for a failure, or null after an interrupt. */
async function waitAndRestart(
  io: CliIo,
  paths: WorkspacePaths,
  start: Start,
  over: AbortController,
): Promise<Running | string | null> {
  const time = dim(io, formatClockTime(io.clock.now()));
  print(io, `${time} ${sign.warning} the workspace was removed, moved or replaced: everything in it has ended`);
  print(io, dim(io, `   nerve starts again when ${toPrintable(paths.configFile)} exists again; Ctrl-C ends it`));
  let running: Running | null = null, why = "there is no nerve.yaml";
  const cancelInterrupt = io.onInterrupt(() => over.abort());
  const attempt = async () => {
    if (over.signal.aborted) return true;
    if (!workspaceExists(paths)) return false;
    const parsed = await loadNerveConfig(paths);
    try {
      if (parsed.ok) running = await start(parsed.value);
      else why = formatProblems(parsed.error, "text");
    } catch (thrown) {
      // The workspace may be half written: try again. But give up when another daemon now runs in it.
      if (!(thrown instanceof NerveError) || thrown.code === "DAEMON_RUNNING") throw thrown;
      why = messageOf(thrown);
    }
    return running !== null;
  };
  try {
    const decided = await waitUntil(io.clock, workspaceAwayMaxMs, attempt);
    return decided ? running : `the workspace was removed, and no kernel could be started in its place: ${why}`;
  } finally {
    cancelInterrupt();
  }
}

function warn(io: CliIo, what: string): void {
  io.stderr.write(`${sign.warning} ${toPrintable(what)}\n`);
}

function countUnits({ config }: ParsedConfig): string {
  return `${plural(config.senses.size, "sense")}, ${plural(config.workflows.size, "workflow")}`;
}

function printStart(io: CliIo, paths: WorkspacePaths, parsed: ParsedConfig): void {
  if (parsed.warnings.length > 0) print(io, formatProblems(parsed.warnings, "text"));
  const isHeld = parsed.warnings.some(({ holds }) => holds);
  if (isHeld) print(io, `${sign.warning} what has an error does not run until that is gone`);
  print(
    io,
    `${formatClockTime(io.clock.now())} ${sign.live} nerve ${version} runs ${toPrintable(paths.root)}: ${
      countUnits(parsed)
    }`,
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
