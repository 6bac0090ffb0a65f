/**
 * The kernel as the child of our supervisor: `nerve __kernel WORKSPACE`. Speaks records (supervisor_protocol.ts) on its stdout; its
 * stdin says nothing and ends with the supervisor.
 * I1. A kernel never outlives its supervisor: without one nobody keeps its log, and nobody would start it again.
 * I2. Who reads slowly costs the kernel nothing: events wait in the bus's own bounded queue, and what it loses is told.
 */
import { systemClock } from "../base/clock.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { logLineMaxBytes } from "../base/limits.ts";
import { cutMessage, type LogLine } from "../base/log_line.ts";
import { toOsError } from "../base/os_error.ts";
import { version } from "../base/version.ts";
import { formatProblems } from "../config/diagnostic.ts";
import { loadNerveConfig } from "../config/load.ts";
import { workspacePaths } from "../config/workspace.ts";
import { createKernel, type Kernel } from "../kernel/kernel.ts";
import { toLogLine } from "./event_log_line.ts";
import { hostKernel, type KernelHost } from "./kernel_host.ts";
import { kernelExit, type KernelRecord, type StartRefusal } from "./supervisor_protocol.ts";

export async function runKernel(root: string): Promise<never> {
  const gone = supervisorGone();
  const kernel = await startKernel(root);
  if ("refusal" in kernel) {
    await say({ t: "refused", refusal: kernel.refusal });
    Deno.exit(kernelExit.refused);
  }
  const hosting = host(kernel);
  // I1. Once it is gone, what we still write fails; that is no reason to hurry.
  gone.then(() => hosting.stop("request"));
  const codes = { "in order": kernelExit.stopped, "at once": kernelExit.atOnce, gone: kernelExit.gone };
  Deno.exit(await hosting.end.then((end) => codes[end], notServed));
}

/** The kernel has stopped again, as when a folder is where the socket belongs. What is no refusal of the system is a crash. */
async function notServed(thrown: unknown): Promise<number> {
  await say({ t: "refused", refusal: refusalOf(thrown) });
  return kernelExit.refused;
}

async function startKernel(root: string): Promise<StartedKernel | { refusal: StartRefusal }> {
  try {
    const paths = workspacePaths(root), parsed = await loadNerveConfig(paths);
    if (!parsed.ok) {
      const message = formatProblems(parsed.error, "text");
      return { refusal: { code: "CONFIG_INVALID", message, hint: "nerve validate shows the same" } };
    }
    const kernel = createKernel(parsed.value.config, root, { watch: true }), events = kernel.events();
    await kernel.ready;
    return { kernel, events };
  } catch (thrown) {
    return { refusal: refusalOf(thrown) };
  }
}

/** Throws what is a bug. */
function refusalOf(thrown: unknown): StartRefusal {
  if (thrown instanceof NerveError) return { code: thrown.code, message: thrown.message, hint: thrown.hint };
  const refused = toOsError(thrown);
  if (refused === null) throw thrown;
  return { code: "STORE_FAILED", ...refused };
}

interface StartedKernel {
  readonly kernel: Kernel;
  readonly events: ReturnType<Kernel["events"]>;
}

function host({ kernel, events }: StartedKernel): KernelHost {
  const line = (level: LogLine["level"], event: string, message: string): KernelRecord => {
    return { t: "line", line: { ts: systemClock.now(), level, source: "kernel", event, message } };
  };
  let lost = 0;
  return hostKernel(kernel, events, {
    paths: kernel.paths,
    clock: systemClock,
    onInterrupt: (fire) => {
      for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, fire);
      return () => {
        for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.removeSignalListener(signal, fire);
      };
    },
    onHangup: (fire) => {
      Deno.addSignalListener("SIGHUP", fire);
      return () => Deno.removeSignalListener("SIGHUP", fire);
    },
    async onEvent(event) {
      if (events.dropped > lost) {
        await say(line("warn", "log.lost", `${events.dropped - lost} events came too fast for the log`));
        lost = events.dropped;
      }
      await say({ t: "line", line: toLogLine(event, systemClock.now()) });
    },
    onServing() {
      const { senses, workflows } = kernel.config;
      say(line("info", "kernel.ready", `nerve ${version}, ${senses.size} senses, ${workflows.size} workflows`));
      say({ t: "ready" });
    },
    onStopping: (cause) => void say({ t: "stopping", cause }),
    report: (what) => void say(line("warn", "problem", messageOf(what))),
  });
}

const encoder = new TextEncoder();
let written: Promise<void> = Promise.resolve();

/** Resolves when the record is written, in the order of the calls. A supervisor that is gone reads nothing any more. */
function say(record: KernelRecord): Promise<void> {
  written = written.then(async () => {
    const bytes = encoder.encode(`${JSON.stringify(fitted(record))}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
    }
  });
  return written;
}

/** The supervisor reads lines of at most `logLineMaxBytes`; what surrounds a message is far below the rest. */
function fitted(record: KernelRecord): KernelRecord {
  const cut = (message: string) => cutMessage(message, logLineMaxBytes - 1_024);
  if (record.t === "line") return { ...record, line: { ...record.line, message: cut(record.line.message) } };
  if (record.t !== "refused") return record;
  return { ...record, refusal: { ...record.refusal, message: cut(record.refusal.message) } };
}

async function supervisorGone(): Promise<void> {
  const bytes = new Uint8Array(64);
  while (await Deno.stdin.read(bytes) !== null) { /* Nothing is ever said here. */ }
}

// Under Deno this file is the entry itself; in a compiled nerve main.ts calls `runKernel`.
if (import.meta.main) await runKernel(Deno.args[1] ?? "");
