/**
 * The supervisor's process: `nerve __daemon WORKSPACE`, in a session of its own, without a terminal. `nerve start`
 * (start_daemon.ts) starts it and reads one line from it: the report on the start.
 * I1. Nothing is written to disk before the kernel runs, so that a failed start leaves nothing behind. A kernel that
 *     crashes while it starts is logged nevertheless.
 */
import { systemClock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { LogLine } from "../base/log_line.ts";
import { readOwnProcessId } from "../base/process_id.ts";
import { type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import { startKernelChild } from "./kernel_child.ts";
import { KernelSupervisor, type KernelSupervisorEnd } from "./kernel_supervisor.ts";
import { removeState, writeState } from "./state_file.ts";
import type { StartReport } from "./supervisor_protocol.ts";
import { TextLog } from "./text_log.ts";
import { workspaceExists } from "./workspace_watch.ts";

export async function runSupervisor(root: string): Promise<never> {
  const paths = workspacePaths(root), log = new BufferedLog(new TextLog(paths.textLog, systemClock));
  const supervisor = new KernelSupervisor({
    clock: systemClock,
    start: (listener) => startKernelChild(root, listener),
    log: (line) => log.write(line),
    workspaceExists: () => workspaceExists(paths),
    onChange: () => {
      if (!running) return;
      if (supervisor.state === "running") log.flush();
      publishState(paths, supervisor, log);
    },
  });
  let running = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => supervisor.stop());
  Deno.addSignalListener("SIGHUP", () => supervisor.reload());
  logOwnErrors(log);
  supervisor.ready.then(() => {
    running = true;
    log.flush();
    publishState(paths, supervisor, log);
    report({ t: "started", pid: supervisor.pid ?? 0, supervisor: Deno.pid });
  });
  supervisor.start();
  const end = await supervisor.over;
  finish(paths, supervisor, log, end);
  Deno.exit(end.kind === "stopped" ? 0 : 1);
}

/** Logs uncaught errors, since no one reads our stderr once `nerve start` has returned. The kernel ends when we do. */
function logOwnErrors(log: BufferedLog): void {
  const logAndExit = (thrown: unknown) => {
    log.flush();
    const message = thrown instanceof Error ? thrown.stack ?? thrown.message : messageOf(thrown);
    log.write({ ts: systemClock.now(), level: "error", source: "daemon", event: "fault", message });
    Deno.exit(70);
  };
  addEventListener("unhandledrejection", (event) => logAndExit(event.reason));
  addEventListener("error", (event) => logAndExit(event.error));
}

function finish(paths: WorkspacePaths, supervisor: KernelSupervisor, log: BufferedLog, end: KernelSupervisorEnd): void {
  if (end.kind === "gave up") {
    if (workspaceExists(paths)) log.flush();
    publishState(paths, supervisor, log, end.reason);
  } else tryWrite(log, () => removeState(paths, readOwnProcessId()));
  if (end.kind === "refused") {
    const { code, message } = end.refusal;
    if (code !== "DAEMON_RUNNING" && code !== "CONFIG_INVALID") log.flush();
    log.write({ ts: systemClock.now(), level: "error", source: "daemon", event: "refused", message });
    report({ t: "refused", refusal: end.refusal });
  } else if (end.kind === "stopped") {
    const refusal = { code: "DAEMON_MISSING", message: "the daemon was stopped while it started", hint: null };
    report({ t: "refused", refusal });
  }
}

function publishState(paths: WorkspacePaths, supervisor: KernelSupervisor, log: BufferedLog, gaveUp?: string): void {
  const { state, pid, deaths } = supervisor;
  // Writes nothing: a folder of ours would be in the way when the workspace is created again.
  if (state === "away") return log.hold();
  if (state === "over" && gaveUp === undefined) return;
  tryWrite(log, () =>
    writeState(paths, {
      supervisor: readOwnProcessId(),
      workspace: paths.root,
      state: state === "over" ? "gave up" : state,
      since: systemClock.now(),
      kernel: pid,
      deaths: deaths.count,
      problem: gaveUp ?? deaths.last,
    }));
}

/** A full disk or a missing workspace must not end the supervisor. */
function tryWrite(log: BufferedLog, write: () => void): void {
  try {
    write();
  } catch (thrown) {
    const message = `the daemon's state cannot be written: ${messageOf(thrown)}`;
    log.write({ ts: systemClock.now(), level: "warn", source: "daemon", event: "problem", message });
  }
}

/** How many lines may wait until the kernel runs; beyond that the oldest are dropped. */
const heldLinesMax = 1_000;

/** Buffers log lines while nothing may be written to disk. */
class BufferedLog {
  readonly #log: TextLog;
  #held: LogLine[] | null = [];

  constructor(log: TextLog) {
    this.#log = log;
  }

  write(line: LogLine): void {
    if (this.#held === null) return this.#log.write(line);
    if (this.#held.push(line) > heldLinesMax) this.#held.shift();
  }

  hold(): void {
    this.#log.close();
    this.#held ??= [];
  }

  flush(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const line of held) this.#log.write(line);
  }
}

let reported = false;

/** Writes only the first report; after that, no one reads our stdout. */
function report(what: StartReport): void {
  if (reported) return;
  reported = true;
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(what)}\n`));
    Deno.stdout.close();
  } catch (thrown) {
    // `nerve start` was interrupted, so no process waits for the report.
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

// Under Deno this file is the entry module; in a compiled nerve, src/main.ts calls `runSupervisor`.
if (import.meta.main) await runSupervisor(Deno.args[1] ?? "");
