/**
 * Keeps the processes of all units (groups and workflows): starts one when it is needed, ends it when nothing needs it,
 * restarts the dead with backoff, quarantines what keeps dying. Created by the kernel, which says through
 * `SupervisorPorts` what needs what; it knows neither senses nor runs.
 * I1. A unit has at most one current process; a replaced one drains beside it.
 * I2. A dead unit is started again only after its backoff, a quarantined one only after `reset`.
 */
import { assert, messageOf } from "../base/errors.ts";
import { idleEndMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { overQuota } from "./disk_quota.ts";
import { isWanted, type ProcessEnd } from "./exit_cause.ts";
import type { Launch } from "./launcher.ts";
import { MemoryWatch, residentBytes } from "./memory_watch.ts";
import type { SupervisorPorts, UnitPlan, UnitStatus } from "./ports.ts";
import { decideRestart, recentDeaths } from "./restart_policy.ts";
import { UnitProcess } from "./unit_process.ts";

type UnitState =
  | { readonly tag: "stopped" }
  | { readonly tag: "running"; readonly process: UnitProcess }
  | { readonly tag: "backoff"; readonly reason: string; readonly cancel: CancelTimer }
  /** `full`: its databases are over its quota; it ends by itself once they are not. */
  | { readonly tag: "quarantined"; readonly reason: string; readonly full: boolean };

interface Unit {
  plan: UnitPlan;
  state: UnitState;
  deathsAt: number[];
  deaths: number;
  /** When it was last needed, by the monotonic clock. */
  neededAt: number;
  cancelIdle: CancelTimer | null;
}

export class Supervisor {
  readonly #launch: Launch;
  readonly #clock: Clock;
  /** Set by `connect`. */
  #ports!: SupervisorPorts;
  readonly #memory: MemoryWatch;
  readonly #units = new Map<UnitKey, Unit>();
  /** Every process that is not gone, current or draining. */
  readonly #alive = new Map<UnitProcess, { key: UnitKey; gone: Promise<void>; resolve: () => void }>();
  /** Processes that were replaced and still work on what they had begun. */
  readonly #draining = new Map<UnitProcess, UnitKey>();
  #stopping = false;

  constructor(launch: Launch, clock: Clock) {
    this.#launch = launch;
    this.#clock = clock;
    this.#memory = new MemoryWatch(clock);
  }

  /** Once, before the first process. */
  connect(ports: SupervisorPorts): void {
    this.#ports = ports;
  }

  /** Adds a unit, or gives it a new plan for its next process; `replace` ends the present one. */
  plan(plan: UnitPlan): void {
    const unit = this.#units.get(plan.key);
    if (unit !== undefined) unit.plan = plan;
    else {
      this.#units.set(plan.key, {
        plan,
        state: { tag: "stopped" },
        deathsAt: [],
        deaths: 0,
        neededAt: 0,
        cancelIdle: null,
      });
    }
  }

  /** The unit's process, started if there is none; null while it may not start: `whyDown` says why. */
  process(key: UnitKey): UnitProcess | null {
    const unit = this.#unit(key);
    if (unit.state.tag === "running" && unit.state.process.usable) return unit.state.process;
    if (unit.state.tag === "quarantined" && unit.state.full && overQuota(unit.plan.request.disk, null) === null) {
      this.reset(key);
      return this.process(key);
    }
    if (unit.state.tag === "backoff" || unit.state.tag === "quarantined" || this.#stopping) return null;
    return this.#start(unit);
  }

  whyDown(key: UnitKey): string {
    const { state } = this.#unit(key);
    if (this.#stopping) return "the daemon is stopping";
    if (state.tag === "backoff") return `its process ${state.reason}; it starts again shortly`;
    return state.tag === "quarantined" ? `quarantined: ${state.reason}` : "its process is not running";
  }

  /** Whether only `reset` lets it start again. */
  quarantined(key: UnitKey): boolean {
    return this.#unit(key).state.tag === "quarantined";
  }

  /** New work goes to a new process from now on; the present one ends when nothing is under way in it. */
  replace(key: UnitKey): void {
    const unit = this.#unit(key);
    if (unit.state.tag !== "running") return;
    this.#draining.set(unit.state.process, key);
    unit.state = { tag: "stopped" };
    this.#endDrained(key);
  }

  /**
   * Nothing can be done in this process, because of its code: it ends now, which is no death. The unit stays down until
   * it gets other code, unless it has got it already.
   */
  refuse(key: UnitKey, process: UnitProcess, reason: string): void {
    const unit = this.#units.get(key);
    process.kill("recycled", reason);
    if (unit?.state.tag !== "running" || unit.state.process !== process) return;
    unit.state = { tag: "quarantined", reason, full: false };
    this.#ports.onQuarantined(key, reason);
  }

  /** Forgets the unit; its process ends when nothing is under way in it. */
  remove(key: UnitKey): void {
    const { state, cancelIdle } = this.#unit(key);
    if (state.tag === "backoff") state.cancel();
    cancelIdle?.();
    this.replace(key);
    this.#units.delete(key);
  }

  /** The unit's process if it has one that takes work; never starts one. */
  present(key: UnitKey): UnitProcess | null {
    const state = this.#units.get(key)?.state;
    return state?.tag === "running" && state.process.usable ? state.process : null;
  }

  /** To be called when work in the unit's process is over, or was prepared for: starts the wait for its idle end. */
  released(key: UnitKey): void {
    this.#endDrained(key);
    const unit = this.#units.get(key);
    if (unit === undefined || unit.state.tag !== "running" || unit.plan.keepAlive) return;
    unit.neededAt = this.#clock.monotonic();
    // Thousands of computes a second must not each set a timer: the one that is set looks at neededAt.
    if (unit.cancelIdle === null) this.#armIdle(unit, idleEndMs);
  }

  /** `released` for whoever knows only the process. */
  releasedProcess(processId: number): void {
    for (const [process, { key }] of this.#alive) if (process.id === processId) this.released(key);
  }

  /** Lifts a quarantine or a backoff; the deaths so far are forgotten. False when there was nothing to lift. */
  reset(key: UnitKey): boolean {
    const unit = this.#unit(key);
    unit.deathsAt = [];
    if (unit.state.tag === "backoff") unit.state.cancel();
    else if (unit.state.tag !== "quarantined") return false;
    unit.state = { tag: "stopped" };
    this.#ports.onAvailable(key);
    return true;
  }

  view(): UnitStatus[] {
    return [...this.#units.values()].map(({ plan, state, deaths }) => {
      const process = state.tag === "running" ? state.process : null;
      return {
        key: plan.key,
        state: state.tag === "running" && !state.process.ready ? "starting" : state.tag,
        reason: state.tag === "backoff" || state.tag === "quarantined" ? state.reason : null,
        pid: process?.pid ?? null,
        memoryBytes: process === null ? null : residentBytes(process.pid),
        deaths,
      };
    });
  }

  /** Ends every process in order and resolves when all are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const unit of this.#units.values()) {
      unit.cancelIdle?.();
      if (unit.state.tag === "backoff") unit.state.cancel();
    }
    for (const process of this.#alive.keys()) process.stop("the daemon stops");
    await Promise.all([...this.#alive.values()].map(({ gone }) => gone));
  }

  /** Kills every process now, for a stop that nobody waits for. */
  killAll(): void {
    this.#stopping = true;
    for (const process of this.#alive.keys()) process.kill("ended", "the daemon stops at once");
  }

  #unit(key: UnitKey): Unit {
    const unit = this.#units.get(key);
    assert(unit !== undefined, `unit ${key} was never planned`);
    return unit;
  }

  #start(unit: Unit): UnitProcess | null {
    const { key, spec, request } = unit.plan;
    let process: UnitProcess;
    const full = overQuota(request.disk, null);
    if (full !== null) {
      this.#died(unit, { kind: "disk_limit", message: full });
      this.#ports.onQuarantined(key, full);
      return null;
    }
    try {
      process = new UnitProcess(spec, request, this.#launch, this.#clock, {
        onReady: (ready) => this.#ports.onReady(key, ready),
        onMessage: (from, message) => this.#ports.onMessage(key, from, message),
        onOutput: (_, line) => this.#ports.onOutput(key, line),
        onEnd: (ended, end) => this.#ended(unit, ended, end),
      });
    } catch (thrown) {
      const quarantine = this.#died(unit, { kind: "no_start", message: `could not be started: ${messageOf(thrown)}` });
      if (quarantine !== null) this.#ports.onQuarantined(key, quarantine);
      return null;
    }
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    this.#alive.set(process, { key, gone, resolve });
    unit.state = { tag: "running", process };
    this.#memory.watch(process.pid, {
      limitBytes: request.memoryBytes,
      onOver: (words) => process.kill("memory_limit", words),
      disk: request.disk,
      onDiskFull: (words) => process.kill("disk_limit", words),
      // While it starts it has its own code to load.
      busy: () => !process.ready || this.#ports.busy(key, process),
      onBurning: () => {
        process.markSuspect();
        this.#ports.onBurning(key);
      },
    });
    this.released(key);
    return process;
  }

  #ended(unit: Unit, process: UnitProcess, end: ProcessEnd): void {
    const { key } = unit.plan;
    const alive = this.#alive.get(process);
    this.#alive.delete(process);
    this.#draining.delete(process);
    this.#memory.forget(process.pid);
    const wanted = isWanted(end) || this.#stopping;
    const current = unit.state.tag === "running" && unit.state.process === process;
    if (current) {
      unit.cancelIdle?.();
      unit.cancelIdle = null;
      unit.state = { tag: "stopped" };
    }
    // First the state, then the news: whoever hears of the end may ask for a process at once.
    const quarantine = !wanted && current ? this.#died(unit, end) : null;
    this.#ports.onEnd(key, process, end, wanted);
    if (quarantine !== null) this.#ports.onQuarantined(key, quarantine);
    else if (wanted && current && !this.#stopping) this.#ports.onAvailable(key);
    alive?.resolve();
  }

  /** Sets the backoff or the quarantine; the reason of the latter. */
  #died(unit: Unit, end: ProcessEnd): string | null {
    const { key } = unit.plan, now = this.#clock.monotonic();
    unit.deaths++;
    // A full disk is no crash of the code: it does not count towards the crash loop.
    if (end.kind !== "disk_limit") unit.deathsAt = [...recentDeaths(unit.deathsAt, now), now];
    const restart = decideRestart(end, unit.deathsAt);
    if (restart.kind === "quarantine") {
      unit.state = { tag: "quarantined", reason: restart.reason, full: restart.full };
      return restart.reason;
    }
    const cancel = this.#clock.after(restart.waitMs, () => {
      unit.state = { tag: "stopped" };
      this.#ports.onAvailable(key);
    });
    unit.state = { tag: "backoff", reason: end.message, cancel };
    return null;
  }

  #endDrained(key: UnitKey): void {
    for (const [process, of] of this.#draining) {
      if (of === key && !this.#ports.busy(key, process)) process.stop("replaced by newer code");
    }
  }

  #armIdle(unit: Unit, waitMs: number): void {
    unit.cancelIdle = this.#clock.after(waitMs, () => {
      unit.cancelIdle = null;
      if (unit.state.tag !== "running" || unit.plan.keepAlive) return;
      const restMs = unit.neededAt + idleEndMs - this.#clock.monotonic();
      if (restMs > 0) return this.#armIdle(unit, restMs);
      const { process } = unit.state, { key } = unit.plan;
      // Whoever works in it calls `released` when done, and the wait begins anew.
      if (this.#ports.busy(key, process)) return;
      const due = this.#ports.nextDueAt(key), leftMs = due === null ? Infinity : due - this.#clock.now();
      if (leftMs <= idleEndMs) this.#armIdle(unit, Math.max(0, leftMs) + idleEndMs);
      else process.stop("idle: nothing was due and nothing is due soon");
    });
  }
}
