/**
 * Keeps a kernel running: starts it, restarts it when it dies, gives up when it dies too often, ends it on request.
 * Created by supervisor_process.ts, on top of kernel_child.ts. It only decides; its ports touch files and processes.
 * I1. There is at most one kernel at a time.
 * I2. A kernel that ends in order was asked to stop, no matter by whom; the supervisor then ends too. Every other end
 *     is a death.
 * I3. When the kernel does not become ready at the first start, the start fails as a whole. Only a kernel that was
 *     ready is restarted.
 * I4. After the workspace was removed, a new kernel starts as soon as a workspace exists again. Failed starts are
 *     retried, since the workspace may be half written. Until a start succeeds, nothing is written to the workspace.
 * I5. A kernel that hangs is ended, which is a death (kernel_heartbeat.ts).
 */
import { calculateBackoff } from "../base/backoff.ts";
import { messageOf } from "../base/errors.ts";
import {
  backoffFirstMs,
  backoffMaxMs,
  daemonStartMaxMs,
  deathsMax,
  deathWindowMs,
  workspaceAwayMaxMs,
  workspaceCheckMs,
} from "../base/limits.ts";
import type { LogLine } from "../base/log_line.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { KernelHeartbeat } from "./kernel_heartbeat.ts";
import { kernelExit, type KernelRecord, type StartRefusal } from "./supervisor_protocol.ts";

export interface KernelListener {
  onRecord(record: KernelRecord): void;
  /** Called with a line that is not a record, such as the output of a crash. */
  onOutput(text: string): void;
}

/** How a kernel's process ended; `message` is in words, such as `was killed from outside (SIGKILL)`. */
export interface KernelEnd {
  readonly code: number;
  readonly message: string;
}

export interface KernelHandle {
  readonly pid: number;
  /** Resolves when the process has ended and all of its output was read. */
  readonly end: Promise<KernelEnd>;
  /** State of the process as in /proc; null where there is none. */
  state(): string | null;
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): void;
}

export interface KernelSupervisorPorts {
  readonly clock: Clock;
  start(listener: KernelListener): KernelHandle;
  /** Whether the workspace exists. */
  workspaceExists(): boolean;
  log(line: LogLine): void;
  /** Called after every change of `state`, `pid` or `deaths`. */
  onChange(): void;
}

/** `away`: the workspace was removed, and no kernel runs in its place yet. */
export type KernelSupervisorState = "starting" | "running" | "backoff" | "away" | "stopping" | "over";

export type KernelSupervisorEnd =
  | { readonly kind: "stopped" }
  /** The kernel never became ready, or another daemon runs in the workspace. */
  | { readonly kind: "refused"; readonly refusal: StartRefusal }
  | { readonly kind: "gave up"; readonly reason: string };

/** Exit codes of a kernel that was asked to stop. */
const stopCodes: readonly number[] = [kernelExit.stopped, kernelExit.atOnce];

const logGone =
  "data/logs.db was removed or replaced while the daemon ran, which then stopped; its last records are lost";

export class KernelSupervisor {
  readonly #ports: KernelSupervisorPorts;
  readonly #over = Promise.withResolvers<KernelSupervisorEnd>();
  readonly #firstReady = Promise.withResolvers<void>();
  #state: KernelSupervisorState = "starting";
  #child: KernelHandle | null = null;
  #heartbeat: KernelHeartbeat | null = null;
  /** Why we ended the kernel; its exit status does not show that. */
  #ended: string | null = null;
  #refusal: StartRefusal | null = null;
  #deathsAt: number[] = [];
  #deaths = 0;
  #lastDeath: string | null = null;
  #everReady = false;
  #logGone = false;
  #stopRequests = 0;
  /** While the workspace is away and no kernel runs: when the wait ends, and why the last start failed. */
  #away: { readonly until: number; why: string } | null = null;
  #cancel: CancelTimer = () => {};

  constructor(ports: KernelSupervisorPorts) {
    this.#ports = ports;
  }

  get state(): KernelSupervisorState {
    return this.#state;
  }

  /** The kernel's process; null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How often the kernel died in total, and how it died the last time. */
  get deaths(): { readonly count: number; readonly last: string | null } {
    return { count: this.#deaths, last: this.#lastDeath };
  }

  /** Resolves when the kernel is ready for the first time; never if it does not become ready. */
  get ready(): Promise<void> {
    return this.#firstReady.promise;
  }

  get over(): Promise<KernelSupervisorEnd> {
    return this.#over.promise;
  }

  start(): void {
    let child: KernelHandle;
    this.#refusal = null;
    this.#ended = null;
    try {
      child = this.#ports.start({
        onRecord: (record) => this.#handleRecord(record),
        onOutput: (text) => this.#logOutput(text),
      });
    } catch (thrown) {
      return this.#handleEnd({ code: -1, message: `could not be started: ${messageOf(thrown)}` });
    }
    this.#child = child;
    if (this.#away === null) this.#setState("starting");
    this.#cancel = this.#ports.clock.after(daemonStartMaxMs, () => {
      const late = `does not answer after ${daemonStartMaxMs / 1000} s; killed`;
      this.#log("error", "kernel.late", `kernel ${child.pid} ${late}`);
      child.signal("SIGKILL");
    });
    child.end.then((end) => this.#handleEnd(end));
  }

  /** The first call stops in order, the second at once. */
  stop(): void {
    if (this.#state === "over") return;
    const first = ++this.#stopRequests === 1;
    // An orderly stop that was requested over the API is in progress, so the first signal changes nothing.
    if (first && this.#state === "stopping") return;
    if (first) this.#log("info", "stopping", "asked to stop");
    this.#cancel();
    if (this.#child === null) return this.#end({ kind: "stopped" });
    this.#setState("stopping");
    this.#child.signal("SIGTERM");
  }

  /** Forwards the request to a running kernel. A kernel that is starting reads the files anyway. */
  reload(): void {
    if (this.#state === "running") this.#child?.signal("SIGHUP");
  }

  #handleRecord(record: KernelRecord): void {
    switch (record.t) {
      case "line":
        return this.#ports.log(record.line);
      case "ready":
        this.#cancel();
        this.#everReady = true;
        this.#away = null;
        this.#watch();
        if (this.#state === "starting" || this.#state === "away") this.#setState("running");
        return this.#firstReady.resolve();
      case "beat":
        return this.#heartbeat?.beat();
      case "stopping":
        this.#cancel();
        this.#logGone = record.cause === "log gone" && this.#stopRequests === 0;
        this.#setState(record.cause === "workspace gone" ? "away" : "stopping");
        return this.#log("info", "kernel.stopping", record.cause);
      case "refused":
        this.#refusal = record.refusal;
        return;
    }
  }

  #watch(): void {
    const child = this.#child;
    if (child === null) return;
    this.#heartbeat = new KernelHeartbeat(this.#ports.clock, {
      state: () => child.state(),
      onSilent: (message) => this.#log("warn", "kernel.silent", `kernel ${child.pid} ${message}`),
      onHung: (message) => {
        this.#ended = `${message}, so it was ended`;
        child.signal("SIGKILL");
      },
    });
  }

  #logOutput(text: string): void {
    if (text.trim() !== "") this.#log("error", "kernel.output", text, "kernel");
  }

  #handleEnd(exit: KernelEnd): void {
    const pid = this.#child?.pid ?? null, refusal = this.#refusal;
    const end = this.#ended === null ? exit : { ...exit, message: this.#ended };
    this.#cancel();
    this.#heartbeat?.stop();
    this.#heartbeat = null;
    this.#child = null;
    const gone = end.code === kernelExit.gone || (this.#state === "away" && this.#away === null);
    if (gone && this.#stopRequests === 0) return this.#startWaiting(pid);
    if (this.#state === "stopping" || stopCodes.includes(end.code)) {
      this.#log("info", "kernel.stopped", pid === null ? end.message : `kernel ${pid} ${end.message}`);
      // No one requested this stop, and the log that would record it is gone, so the state file reports it.
      return this.#end(this.#logGone ? { kind: "gave up", reason: logGone } : { kind: "stopped" });
    }
    if (refusal !== null && (!this.#everReady || refusal.code === "DAEMON_RUNNING")) {
      return this.#end({ kind: "refused", refusal });
    }
    const why = refusal === null ? end.message : `refused to start: ${refusal.message}`;
    if (this.#away !== null) {
      this.#away.why = `a kernel ${why}`;
      return this.#lookLater();
    }
    this.#log("error", "kernel.died", pid === null ? why : `kernel ${pid} ${why}`);
    if (!this.#everReady) {
      const message = `the kernel did not start: it ${why}`;
      return this.#end({ kind: "refused", refusal: { code: "DAEMON_MISSING", message, hint: "nerve doctor" } });
    }
    this.#scheduleRestart(why);
  }

  #startWaiting(pid: number | null): void {
    this.#log(
      "warn",
      "workspace.gone",
      `the workspace was removed, moved or replaced; kernel ${pid} and all its processes have ended`,
    );
    this.#away = { until: this.#ports.clock.monotonic() + workspaceAwayMaxMs, why: "there is no nerve.yaml" };
    this.#setState("away");
    this.#look();
  }

  #look(): void {
    const { clock, workspaceExists } = this.#ports, away = this.#away;
    if (away === null) return;
    if (clock.monotonic() >= away.until) {
      const reason = `the workspace was removed, and no kernel could be started in its place: ${away.why}`;
      this.#log("error", "gave_up", `${reason}; it stays down until nerve start`);
      return this.#end({ kind: "gave up", reason });
    }
    if (!workspaceExists()) return this.#lookLater();
    this.#log("info", "kernel.restart", "there is a workspace again: starting a new kernel in it");
    this.start();
  }

  #lookLater(): void {
    this.#cancel = this.#ports.clock.after(workspaceCheckMs, () => this.#look());
  }

  #scheduleRestart(why: string): void {
    const now = this.#ports.clock.monotonic();
    this.#deaths++;
    this.#lastDeath = why;
    this.#deathsAt = [...this.#deathsAt.filter((at) => now - at < deathWindowMs), now];
    const recent = this.#deathsAt.length;
    if (recent >= deathsMax) {
      const reason = `the kernel died ${recent} times in ${deathWindowMs / 1000} s, the last time it ${why}`;
      this.#log("error", "gave_up", `${reason}; it stays down until nerve start`);
      return this.#end({ kind: "gave up", reason });
    }
    const waitMs = calculateBackoff(recent, backoffFirstMs, backoffMaxMs);
    this.#log("info", "kernel.restart", `in ${waitMs} ms, death ${recent} of ${deathsMax} within the window`);
    this.#cancel = this.#ports.clock.after(waitMs, () => this.start());
    this.#setState("backoff");
  }

  #setState(state: KernelSupervisorState): void {
    this.#state = state;
    this.#ports.onChange();
  }

  #end(end: KernelSupervisorEnd): void {
    this.#setState("over");
    this.#over.resolve(end);
  }

  #log(level: LogLine["level"], event: string, message: string, source = "daemon"): void {
    this.#ports.log({ ts: this.#ports.clock.now(), level, source, event, message });
  }
}
