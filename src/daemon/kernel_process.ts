/**
 * The kernel as the supervisor's child: `nerve __kernel WORKSPACE`. It writes records (supervisor_protocol.ts) to
 * stdout. Its stdin carries no data; it closes when the supervisor ends.
 * I1. A kernel never outlives its supervisor, which keeps its log and restarts it.
 * I2. A slow reader does not slow the kernel down: events wait in the subscription's bounded queue, and losses are
 *     logged.
 * I3. All records are written before it exits, unless the supervisor reads none for `lastWordsMaxMs`.
 */
import { systemClock } from "../base/clock.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { kernelBeatMs, logLineMaxBytes } from "../base/limits.ts";
import { cutMessage, type LogLine } from "../base/log_line.ts";
import { toOsError } from "../base/os_error.ts";
import { delay } from "../base/time.ts";
import { version } from "../base/version.ts";
import { formatProblems } from "../config/diagnostic.ts";
import { loadNerveConfig } from "../config/load.ts";
import { requireTrustedWorkspace } from "../config/trust.ts";
import { workspacePaths } from "../config/workspace.ts";
import { Kernel } from "../kernel/kernel.ts";
import { toLogLine } from "./event_log_line.ts";
import { hostKernel, type KernelHost } from "./kernel_host.ts";
import { kernelExit, type KernelRecord, type StartRefusal } from "./supervisor_protocol.ts";

const lastWordsMaxMs = 1_000;

export async function runKernel(root: string): Promise<never> {
  const supervisorEnd = waitForSupervisorEnd();
  const kernel = await startKernel(root);
  if ("refusal" in kernel) {
    await writeRecord({ t: "refused", refusal: kernel.refusal });
    Deno.exit(kernelExit.refused);
  }
  const hosting = host(kernel);
  // I1. Without the supervisor our writes fail, but the stop is still orderly.
  supervisorEnd.then(() => hosting.stop("request"));
  const codes = { "in order": kernelExit.stopped, "at once": kernelExit.atOnce, gone: kernelExit.gone };
  const code = await hosting.end.then((end) => codes[end], reportFailedStart);
  // The pending records include the reason for the end. A suspended supervisor reads nothing.
  await Promise.race([written, delay(systemClock, lastWordsMaxMs)]);
  Deno.exit(code);
}

/**
 * For a kernel that stopped because its API could not be served, for example because a folder is in the socket's place.
 * Any error but a NerveError or one of the operating system is a crash.
 */
async function reportFailedStart(thrown: unknown): Promise<number> {
  await writeRecord({ t: "refused", refusal: toRefusal(thrown) });
  return kernelExit.refused;
}

async function startKernel(root: string): Promise<StartedKernel | { refusal: StartRefusal }> {
  try {
    const paths = workspacePaths(root);
    requireTrustedWorkspace(paths);
    const parsed = await loadNerveConfig(paths);
    if (!parsed.ok) {
      const message = formatProblems(parsed.error, "text");
      return { refusal: { code: "CONFIG_INVALID", message, hint: "nerve validate shows the same errors" } };
    }
    const holder = { kind: "daemon", program: "nerve" } as const;
    const kernel = new Kernel(parsed.value.config, root, { holder, watch: true }), events = kernel.events();
    await kernel.ready;
    return { kernel, events };
  } catch (thrown) {
    return { refusal: toRefusal(thrown) };
  }
}

/** Rethrows an error that is a bug. */
function toRefusal(thrown: unknown): StartRefusal {
  if (thrown instanceof NerveError) return { code: thrown.code, message: thrown.message, hint: thrown.hint };
  const osError = toOsError(thrown);
  if (osError === null) throw thrown;
  return { code: "STORE_FAILED", ...osError };
}

interface StartedKernel {
  readonly kernel: Kernel;
  readonly events: ReturnType<Kernel["events"]>;
}

function host({ kernel, events }: StartedKernel): KernelHost {
  const createLine = (level: LogLine["level"], event: string, message: string): KernelRecord => {
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
        await writeRecord(createLine("warn", "log.lost", `${events.dropped - lost} events came too fast for the log`));
        lost = events.dropped;
      }
      await writeRecord({ t: "line", line: toLogLine(event, systemClock.now()) });
    },
    onServing() {
      const { senses, workflows } = kernel.config;
      writeRecord(
        createLine("info", "kernel.ready", `nerve ${version}, ${senses.size} senses, ${workflows.size} workflows`),
      );
      writeRecord({ t: "ready" });
      beat();
    },
    onStopping: (cause) => void writeRecord({ t: "stopping", cause }),
    report: (what) => void writeRecord(createLine("warn", "problem", messageOf(what))),
  });
}

/** Reports to the supervisor that the event loop runs. A beat that the supervisor does not read delays the next one. */
function beat(): void {
  void writeRecord({ t: "beat" }).then(() => systemClock.after(kernelBeatMs, beat));
}

const encoder = new TextEncoder();
let written: Promise<void> = Promise.resolve();

/** Writes records in the order of the calls. Ignores a broken pipe: the supervisor has ended. */
function writeRecord(record: KernelRecord): Promise<void> {
  written = written.then(async () => {
    const bytes = encoder.encode(`${JSON.stringify(fitRecord(record))}\n`);
    try {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
    }
  });
  return written;
}

/**
 * Cuts messages, since the supervisor reads lines of at most `logLineMaxBytes`. The other fields need far less than 1
 * KiB.
 */
function fitRecord(record: KernelRecord): KernelRecord {
  const cut = (message: string) => cutMessage(message, logLineMaxBytes - 1_024);
  if (record.t === "line") return { ...record, line: { ...record.line, message: cut(record.line.message) } };
  if (record.t !== "refused") return record;
  return { ...record, refusal: { ...record.refusal, message: cut(record.refusal.message) } };
}

async function waitForSupervisorEnd(): Promise<void> {
  const bytes = new Uint8Array(64);
  while (await Deno.stdin.read(bytes) !== null) { /* stdin carries no data. */ }
}

// Under Deno this file is the entry module; in a compiled nerve, src/main.ts calls `runKernel`.
if (import.meta.main) await runKernel(Deno.args[1] ?? "");
