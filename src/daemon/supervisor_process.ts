/**
 * The supervisor: `nerve __daemon WORKSPACE`, in a session of its own, without a terminal. Started by `nerve start`
 * (start_daemon.ts), which reads one line from it: how the start went.
 * I1. Nothing is written to the disk before the kernel runs, so that a start that is refused leaves nothing behind. A
 *     kernel that crashed while starting is logged all the same.
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
  const paths = workspacePaths(root), log = new HeldLog(new TextLog(paths.textLog, systemClock));
  const keeper = new KernelSupervisor({
    clock: systemClock,
    start: (listener) => startKernelChild(root, listener),
    log: (line) => log.write(line),
    workspaceExists: () => workspaceExists(paths),
    onChange: () => {
      if (!running) return;
      if (keeper.state === "running") log.release();
      tellState(paths, keeper, log);
    },
  });
  let running = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => keeper.stop());
  Deno.addSignalListener("SIGHUP", () => keeper.reload());
  logOwnFaults(log);
  keeper.ready.then(() => {
    running = true;
    log.release();
    tellState(paths, keeper, log);
    report({ t: "started", pid: keeper.pid ?? 0, supervisor: Deno.pid });
  });
  keeper.start();
  const end = await keeper.over;
  finish(paths, keeper, log, end);
  Deno.exit(end.kind === "stopped" ? 0 : 1);
}

/** Nobody reads our stderr once `nerve start` has returned. The kernel ends by itself when we do. */
function logOwnFaults(log: HeldLog): void {
  const fault = (thrown: unknown) => {
    log.release();
    const message = thrown instanceof Error ? thrown.stack ?? thrown.message : messageOf(thrown);
    log.write({ ts: systemClock.now(), level: "error", source: "daemon", event: "fault", message });
    Deno.exit(70);
  };
  addEventListener("unhandledrejection", (event) => fault(event.reason));
  addEventListener("error", (event) => fault(event.error));
}

function finish(paths: WorkspacePaths, keeper: KernelSupervisor, log: HeldLog, end: KernelSupervisorEnd): void {
  if (end.kind === "gave up") {
    if (workspaceExists(paths)) log.release();
    tellState(paths, keeper, log, end.reason);
  } else attempt(log, () => removeState(paths, readOwnProcessId()));
  if (end.kind === "refused") {
    const { code, message } = end.refusal;
    if (code !== "DAEMON_RUNNING" && code !== "CONFIG_INVALID") log.release();
    log.write({ ts: systemClock.now(), level: "error", source: "daemon", event: "refused", message });
    report({ t: "refused", refusal: end.refusal });
  } else if (end.kind === "stopped") {
    const refusal = { code: "DAEMON_MISSING", message: "The daemon was stopped while it started", hint: null };
    report({ t: "refused", refusal });
  }
}

function tellState(paths: WorkspacePaths, keeper: KernelSupervisor, log: HeldLog, gaveUp?: string): void {
  const { state, pid, deaths } = keeper;
  // A folder of ours would be in the way of whoever makes the workspace again.
  if (state === "away") return log.hold();
  if (state === "over" && gaveUp === undefined) return;
  attempt(log, () =>
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

/** A full disk or a workspace that is gone must not end the supervisor. */
function attempt(log: HeldLog, write: () => void): void {
  try {
    write();
  } catch (thrown) {
    const message = `the daemon's state cannot be written: ${messageOf(thrown)}`;
    log.write({ ts: systemClock.now(), level: "warn", source: "daemon", event: "problem", message });
  }
}

/** What may wait until the kernel runs; the oldest goes first. */
const heldLinesMax = 1_000;

/** Keeps the lines of the start back until they may be written. */
class HeldLog {
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

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const line of held) this.#log.write(line);
  }
}

let reported = false;

/** The first report only; then nobody reads any more. */
function report(what: StartReport): void {
  if (reported) return;
  reported = true;
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(what)}\n`));
    Deno.stdout.close();
  } catch (thrown) {
    // `nerve start` was interrupted: nobody waits for the report.
    if (!(thrown instanceof Deno.errors.BrokenPipe)) throw thrown;
  }
}

// Under Deno this file is the entry itself; in a compiled nerve main.ts calls `runSupervisor`.
if (import.meta.main) await runSupervisor(Deno.args[1] ?? "");
