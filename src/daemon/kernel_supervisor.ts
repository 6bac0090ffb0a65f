/**
 * Keeps a kernel running: starts it, starts it again when it died, gives up when it dies too often, ends it on request.
 * Made by supervisor_process.ts, over kernel_child.ts. Decides; touches neither files nor processes.
 * I1. At most one kernel is there at a time.
 * I2. A kernel that ended in order was told to, by whomever: then all is over. Every other end is a death.
 * I3. The first start is refused as a whole when the kernel does not come up; only a daemon that ran is restarted.
 * I4. When the workspace was taken away, a kernel is started as soon as one can be there again, whatever failed in
 *     between: it may be half written. Until then nothing is written to it.
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
import { kernelExit, type KernelRecord, type StartRefusal } from "./supervisor_protocol.ts";

export interface KernelListener {
  onRecord(record: KernelRecord): void;
  /** A line that is no record: what a crash leaves behind. */
  onOutput(text: string): void;
}

/** How a kernel's process ended; `message` says it in words, `was killed from outside (SIGKILL)`. */
export interface KernelEnd {
  readonly code: number;
  readonly message: string;
}

export interface KernelHandle {
  readonly pid: number;
  /** Resolves when it has ended and everything that it said was heard. */
  readonly end: Promise<KernelEnd>;
  signal(signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): void;
}

export interface KernelSupervisorPorts {
  readonly clock: Clock;
  start(listener: KernelListener): KernelHandle;
  /** Whether the workspace is there at all. */
  workspaceExists(): boolean;
  log(line: LogLine): void;
  /** After every change of `state`, `pid` or `deaths`. */
  onChange(): void;
}

/** `away`: the workspace was taken away, and no kernel runs in its place yet. */
export type KernelSupervisorState = "starting" | "running" | "backoff" | "away" | "stopping" | "over";

export type KernelSupervisorEnd =
  | { readonly kind: "stopped" }
  /** It never ran, or another daemon has taken the workspace. */
  | { readonly kind: "refused"; readonly refusal: StartRefusal }
  | { readonly kind: "gave up"; readonly reason: string };

/** Codes with which a kernel ends that was told to. */
const wantedCodes: readonly number[] = [kernelExit.stopped, kernelExit.atOnce];

const logGone = "data/logs.db was removed or replaced under the daemon, which stopped: what it still recorded is lost";

export class KernelSupervisor {
  readonly #ports: KernelSupervisorPorts;
  readonly #over = Promise.withResolvers<KernelSupervisorEnd>();
  readonly #firstReady = Promise.withResolvers<void>();
  #state: KernelSupervisorState = "starting";
  #child: KernelHandle | null = null;
  #refusal: StartRefusal | null = null;
  #deathsAt: number[] = [];
  #deaths = 0;
  #lastDeath: string | null = null;
  #everReady = false;
  #logGone = false;
  #stopsAsked = 0;
  /** Once the kernel has ended for it: when the wait for the workspace ends, and why the last start in it failed. */
  #away: { readonly until: number; why: string } | null = null;
  #cancel: CancelTimer = () => {};

  constructor(ports: KernelSupervisorPorts) {
    this.#ports = ports;
  }

  get state(): KernelSupervisorState {
    return this.#state;
  }

  /** Of the kernel; null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How often it died, in all, and how the last time. */
  get deaths(): { readonly count: number; readonly last: string | null } {
    return { count: this.#deaths, last: this.#lastDeath };
  }

  /** Resolves when the kernel answers for the first time; never when it does not. */
  get ready(): Promise<void> {
    return this.#firstReady.promise;
  }

  get over(): Promise<KernelSupervisorEnd> {
    return this.#over.promise;
  }

  start(): void {
    let child: KernelHandle;
    this.#refusal = null;
    try {
      child = this.#ports.start({ onRecord: (record) => this.#heard(record), onOutput: (text) => this.#output(text) });
    } catch (thrown) {
      return this.#ended({ code: -1, message: `could not be started: ${messageOf(thrown)}` });
    }
    this.#child = child;
    if (this.#away === null) this.#move("starting");
    this.#cancel = this.#ports.clock.after(daemonStartMaxMs, () => {
      this.#say(
        "error",
        "kernel.late",
        `kernel ${child.pid} does not answer after ${daemonStartMaxMs / 1000} s; killed`,
      );
      child.signal("SIGKILL");
    });
    child.end.then((end) => this.#ended(end));
  }

  /** The first call stops in order, the second one at once. */
  stop(): void {
    if (this.#state === "over") return;
    const first = ++this.#stopsAsked === 1;
    // A stop that came over the API is in order and under way: the first signal asks for nothing new.
    if (first && this.#state === "stopping") return;
    if (first) this.#say("info", "stopping", "asked to stop");
    this.#cancel();
    if (this.#child === null) return this.#end({ kind: "stopped" });
    this.#move("stopping");
    this.#child.signal("SIGTERM");
  }

  /** Passes the request on; a kernel that starts reads what is on the disk anyway, and does not listen yet. */
  reload(): void {
    if (this.#state === "running") this.#child?.signal("SIGHUP");
  }

  #heard(record: KernelRecord): void {
    switch (record.t) {
      case "line":
        return this.#ports.log(record.line);
      case "ready":
        this.#cancel();
        this.#everReady = true;
        this.#away = null;
        if (this.#state === "starting" || this.#state === "away") this.#move("running");
        return this.#firstReady.resolve();
      case "stopping":
        this.#cancel();
        this.#logGone = record.cause === "log gone" && this.#stopsAsked === 0;
        this.#move(record.cause === "workspace gone" ? "away" : "stopping");
        return this.#say("info", "kernel.stopping", record.cause);
      case "refused":
        this.#refusal = record.refusal;
        return;
    }
  }

  #output(text: string): void {
    if (text.trim() !== "") this.#say("error", "kernel.output", text, "kernel");
  }

  #ended(end: KernelEnd): void {
    const pid = this.#child?.pid ?? null, refusal = this.#refusal;
    this.#cancel();
    this.#child = null;
    const gone = end.code === kernelExit.gone || (this.#state === "away" && this.#away === null);
    if (gone && this.#stopsAsked === 0) return this.#goAway(pid);
    if (this.#state === "stopping" || wantedCodes.includes(end.code)) {
      this.#say("info", "kernel.stopped", pid === null ? end.message : `kernel ${pid} ${end.message}`);
      // Nobody asked for that stop, and the log that would tell of it is what is gone.
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
    this.#say("error", "kernel.died", pid === null ? why : `kernel ${pid} ${why}`);
    if (!this.#everReady) {
      const message = `The kernel did not start: it ${why}`;
      return this.#end({ kind: "refused", refusal: { code: "DAEMON_MISSING", message, hint: "nerve doctor" } });
    }
    this.#died(why);
  }

  #goAway(pid: number | null): void {
    this.#say(
      "warn",
      "workspace.gone",
      `the workspace was removed, moved or replaced; kernel ${pid} has ended, and so has what ran in it`,
    );
    this.#away = { until: this.#ports.clock.monotonic() + workspaceAwayMaxMs, why: "there is no nerve.yaml" };
    this.#move("away");
    this.#look();
  }

  #look(): void {
    const { clock, workspaceExists } = this.#ports, away = this.#away;
    if (away === null) return;
    if (clock.monotonic() >= away.until) {
      const reason = `the workspace was taken away, and nothing could be started in its place: ${away.why}`;
      this.#say("error", "gave_up", `${reason}; it stays down until nerve start`);
      return this.#end({ kind: "gave up", reason });
    }
    if (!workspaceExists()) return this.#lookLater();
    this.#say("info", "kernel.restart", "there is a workspace again: a kernel starts anew with what is in it");
    this.start();
  }

  #lookLater(): void {
    this.#cancel = this.#ports.clock.after(workspaceCheckMs, () => this.#look());
  }

  #died(why: string): void {
    const now = this.#ports.clock.monotonic();
    this.#deaths++;
    this.#lastDeath = why;
    this.#deathsAt = [...this.#deathsAt.filter((at) => now - at < deathWindowMs), now];
    const recent = this.#deathsAt.length;
    if (recent >= deathsMax) {
      const reason = `the kernel died ${recent} times in ${deathWindowMs / 1000} s, the last time it ${why}`;
      this.#say("error", "gave_up", `${reason}; it stays down until nerve start`);
      return this.#end({ kind: "gave up", reason });
    }
    const waitMs = calculateBackoff(recent, backoffFirstMs, backoffMaxMs);
    this.#say("info", "kernel.restart", `in ${waitMs} ms, death ${recent} of ${deathsMax} within the window`);
    this.#cancel = this.#ports.clock.after(waitMs, () => this.start());
    this.#move("backoff");
  }

  #move(state: KernelSupervisorState): void {
    this.#state = state;
    this.#ports.onChange();
  }

  #end(end: KernelSupervisorEnd): void {
    this.#move("over");
    this.#over.resolve(end);
  }

  #say(level: LogLine["level"], event: string, message: string, source = "daemon"): void {
    this.#ports.log({ ts: this.#ports.clock.now(), level, source, event, message });
  }
}
