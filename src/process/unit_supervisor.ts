/**
 * Supervises the processes of all units (groups and workflows): starts one when it is needed, ends it when it is idle,
 * restarts it with backoff after a death, and quarantines a unit that keeps dying. It knows neither senses nor runs:
 * the kernel answers its questions through `SupervisorPorts`.
 * I1. A unit has at most one current process; a replaced one drains beside it.
 * I2. After a death a unit starts again only after its backoff; in quarantine, only after `resetUnit`; a unit whose
 *     plan is blocked, only with another plan.
 */
import { assert } from "../base/errors.ts";
import { grantCheckMs, idleEndMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { findQuotaFault } from "./disk_quota.ts";
import { isWanted, type ProcessEnd } from "./exit_cause.ts";
import type { Launch } from "./launcher.ts";
import type { SupervisorPorts, UnitPlan, UnitStatus } from "./ports.ts";
import { ProcessPool } from "./process_pool.ts";
import { decideRestart, keepRecentDeaths } from "./restart_policy.ts";
import type { StartOrder } from "./start_queue.ts";
import type { UnitProcess } from "./unit_process.ts";
import type { Unit } from "./unit_state.ts";

export class UnitSupervisor {
  readonly #clock: Clock;
  /** Set by `connect`. */
  #ports!: SupervisorPorts;
  readonly #pool: ProcessPool;
  readonly #units = new Map<UnitKey, Unit>();
  /** Replaced processes that finish their work. */
  readonly #draining = new Map<UnitProcess, UnitKey>();
  #stopping = false;

  constructor(launch: Launch, clock: Clock) {
    this.#clock = clock;
    this.#pool = new ProcessPool(launch, clock);
  }

  /** Call this once, before the first process starts. */
  connect(ports: SupervisorPorts): void {
    this.#ports = ports;
  }

  /** Adds a unit, or sets the plan for its next process; `replaceProcess` ends the current one. */
  putUnit(plan: UnitPlan): void {
    const unit = this.#units.get(plan.key);
    if (unit !== undefined) return void (unit.plan = plan);
    const counts = { recentDeaths: [], deaths: 0, worked: false, notStarted: null, neededAt: 0, grantsCheckedAt: 0 };
    this.#units.set(plan.key, { plan, state: { tag: "stopped" }, ...counts, cancelIdle: null, after: null });
  }

  /**
   * The unit's process. If there is none, one that starts when its turn comes. Null while it may not start; see
   * `downReasonOf`.
   */
  getOrStartProcess(key: UnitKey, order: StartOrder): UnitProcess | null {
    const unit = this.#unitOf(key);
    if (unit.plan.blocked !== null) return null;
    if (this.#isOutdated(unit)) this.replaceProcess(key);
    if (unit.state.tag === "running" && unit.state.process.usable) {
      this.#pool.hurry(unit.state.process, order);
      return unit.state.process;
    }
    if (unit.state.tag === "quarantined" && unit.state.full && this.#findQuotaFault(unit, false) === null) {
      this.resetUnit(key);
      return this.getOrStartProcess(key, order);
    }
    if (unit.state.tag === "backoff" || unit.state.tag === "quarantined" || this.#stopping) return null;
    return this.#start(unit, order);
  }

  downReasonOf(key: UnitKey): string {
    const { state, plan: { blocked } } = this.#unitOf(key);
    if (this.#stopping) return "the daemon is stopping";
    if (blocked !== null) return blocked;
    if (state.tag === "backoff") return `its process ${state.reason}; it starts again shortly`;
    return state.tag === "quarantined" ? `quarantined: ${state.reason}` : "its process is not running";
  }

  /** Whether the unit may start again only after `resetUnit`, or with another plan. */
  isQuarantined(key: UnitKey): boolean {
    const { state, plan: { blocked } } = this.#unitOf(key);
    return blocked !== null || state.tag === "quarantined";
  }

  /**
   * New work goes to a new process from now on; the current one ends when it has finished its work. `alone`: the new
   * one begins only after that.
   */
  replaceProcess(key: UnitKey, alone: boolean = false): void {
    const unit = this.#unitOf(key);
    if (unit.state.tag !== "running") return;
    const { process } = unit.state;
    if (alone) unit.after = this.#pool.exited(process);
    this.#draining.set(process, key);
    unit.state = { tag: "stopped" };
    this.#stopDrained(key);
  }

  /**
   * Ends a process whose code cannot be used; this does not count as a death. The unit stays in quarantine until its
   * code changes, unless a newer process has replaced this one already.
   */
  quarantineProcess(key: UnitKey, process: UnitProcess, reason: string): void {
    const unit = this.#units.get(key);
    process.kill("recycled", reason);
    if (unit?.state.tag !== "running" || unit.state.process !== process) return;
    unit.state = { tag: "quarantined", reason, full: false };
    this.#ports.onQuarantined(key, reason);
  }

  /** Forgets the unit. Its process ends when it has finished its work. */
  removeUnit(key: UnitKey): void {
    const { state, cancelIdle } = this.#unitOf(key);
    if (state.tag === "backoff") state.cancel();
    cancelIdle?.();
    this.replaceProcess(key);
    this.#units.delete(key);
  }

  /** The unit's process, if there is one that takes work. Never starts one. */
  findProcess(key: UnitKey): UnitProcess | null {
    const state = this.#units.get(key)?.state;
    return state?.tag === "running" && state.process.usable ? state.process : null;
  }

  /** Call this when the unit's process has finished some work, or was started early: restarts its idle timer. */
  release(key: UnitKey): void {
    this.#stopDrained(key);
    const unit = this.#units.get(key);
    if (unit === undefined || unit.state.tag !== "running" || unit.plan.keepAlive) return;
    unit.neededAt = this.#clock.monotonic();
    // Thousands of computes a second must not each set a timer: the single timer checks neededAt.
    if (unit.cancelIdle === null) this.#armIdleTimer(unit, idleEndMs);
  }

  /** `release`, for callers that know only the process. */
  releaseById(processId: number): void {
    const key = this.#pool.findKey(processId);
    if (key !== null) this.release(key);
  }

  /** Call this when the unit's process has finished some work: its earlier deaths count less. */
  noteWork(key: UnitKey): void {
    const unit = this.#units.get(key);
    if (unit !== undefined) unit.worked = true;
  }

  /** Lifts a quarantine or a backoff and forgets earlier deaths. False when there was nothing to lift. */
  resetUnit(key: UnitKey): boolean {
    const unit = this.#unitOf(key);
    unit.recentDeaths = [];
    unit.notStarted = null;
    if (unit.state.tag === "backoff") unit.state.cancel();
    else if (unit.state.tag !== "quarantined") return false;
    unit.state = { tag: "stopped" };
    this.#ports.onAvailable(key);
    return true;
  }

  view(): UnitStatus[] {
    return [...this.#units.values()].map(({ plan: { key, blocked }, state, deaths, notStarted }) => {
      const process = state.tag === "running" ? state.process : null;
      const started = process?.pid === null ? "waiting" : process?.ready === false ? "starting" : state.tag;
      const shown = blocked !== null ? "held" : started;
      const isDown = state.tag === "backoff" || state.tag === "quarantined";
      const reason = blocked ?? (isDown ? state.reason : process?.ready ? null : notStarted?.why ?? null);
      return { key, state: shown, reason, pid: process?.pid ?? null, deaths };
    });
  }

  /** Replaced processes that finish their work. */
  listDraining(): { readonly key: UnitKey; readonly pid: number | null }[] {
    return [...this.#draining].map(([{ pid }, key]) => ({ key, pid }));
  }

  /** Lets every process close its databases and exit. Resolves when all have exited. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const unit of this.#units.values()) {
      unit.cancelIdle?.();
      if (unit.state.tag === "backoff") unit.state.cancel();
    }
    await this.#pool.stop();
  }

  /** Kills every process now, for a stop that cannot wait. */
  killAll(): void {
    this.#stopping = true;
    this.#pool.killAll();
  }

  #unitOf(key: UnitKey): Unit {
    const unit = this.#units.get(key);
    assert(unit !== undefined, `unit ${key} has no plan`);
    return unit;
  }

  /** Whether a granted file was replaced under its process. Checks at most once per `grantCheckMs`. */
  #isOutdated(unit: Unit): boolean {
    const { state, plan: { pinned } } = unit, now = this.#clock.monotonic();
    if (state.tag !== "running" || pinned || now - unit.grantsCheckedAt < grantCheckMs) return false;
    unit.grantsCheckedAt = now;
    return state.process.grantWatch?.isOutdated() ?? false;
  }

  #start(unit: Unit, order: StartOrder): UnitProcess | null {
    const { key } = unit.plan, counted = this.#findQuotaFault(unit, false);
    const full = counted === null ? null : this.#findQuotaFault(unit, true);
    if (full !== null) {
      this.#recordDeath(unit, { kind: "disk_limit", message: full });
      this.#ports.onQuarantined(key, full);
      return null;
    }
    const { after } = unit;
    unit.after = null;
    const process = this.#pool.add(unit.plan, order, after, {
      onReady: (ready) => {
        unit.notStarted = null;
        if (counted !== null) ready.send({ t: "tidy" });
        this.#ports.onReady(key, ready);
      },
      onMessage: (from, message) => this.#ports.onMessage(key, from, message),
      onOutput: (_, line) => this.#ports.onOutput(key, line),
      onPrograms: (_, swept) => this.#ports.onPrograms(key, swept),
      onEnd: (ended, end) => this.#onProcessEnd(unit, ended, end),
      isBusy: (asked) => this.#ports.isBusy(key, asked),
      onBurning: () => this.#ports.onBurning(key),
    });
    unit.state = { tag: "running", process };
    this.release(key);
    return process;
  }

  #findQuotaFault({ plan }: Unit, starting: boolean): string | null {
    return findQuotaFault(plan.request.disk, { pid: null, now: this.#clock.monotonic(), starting });
  }

  #onProcessEnd(unit: Unit, process: UnitProcess, reported: ProcessEnd): void {
    const { key } = unit.plan, end = this.#ports.explainEnd(process, reported);
    this.#draining.delete(process);
    const wanted = isWanted(end) || this.#stopping;
    const current = unit.state.tag === "running" && unit.state.process === process;
    if (current) {
      unit.cancelIdle?.();
      unit.cancelIdle = null;
      unit.state = { tag: "stopped" };
    }
    // The state is set before the event: its receiver may request a process immediately.
    const quarantine = !wanted && current ? this.#recordDeath(unit, end) : null;
    this.#ports.onEnd(key, process, end, wanted);
    if (process.pid === null && end.kind === "no_start") this.#ports.onNotStarted(key, end.message);
    if (quarantine !== null) this.#ports.onQuarantined(key, quarantine);
    else if (wanted && current && !this.#stopping) this.#ports.onAvailable(key);
  }

  /** Sets the backoff or the quarantine. Returns the reason of a quarantine; otherwise null. */
  #recordDeath(unit: Unit, end: ProcessEnd): string | null {
    const { key } = unit.plan, now = this.#clock.monotonic();
    if (end.kind === "no_start") unit.notStarted = { times: 1 + (unit.notStarted?.times ?? 0), why: end.message };
    else unit.deaths++;
    // A full disk or a failed start is not a crash of the code, and does not count towards the quarantine.
    if (end.kind !== "disk_limit" && end.kind !== "no_start") {
      unit.recentDeaths = [...keepRecentDeaths(unit.recentDeaths, now), { at: now, worked: unit.worked }];
      unit.worked = false;
    }
    const restart = decideRestart(end, unit.recentDeaths, now, unit.notStarted?.times ?? 0);
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

  #stopDrained(key: UnitKey): void {
    for (const [process, owner] of this.#draining) {
      if (owner === key && !this.#ports.isBusy(key, process)) process.stop("replaced by newer code");
    }
  }

  #armIdleTimer(unit: Unit, waitMs: number): void {
    unit.cancelIdle = this.#clock.after(waitMs, () => {
      unit.cancelIdle = null;
      if (unit.state.tag !== "running" || unit.plan.keepAlive) return;
      const remainingMs = unit.neededAt + idleEndMs - this.#clock.monotonic();
      if (remainingMs > 0) return this.#armIdleTimer(unit, remainingMs);
      const { process } = unit.state, { key } = unit.plan;
      // `release` is called when the work is done, and sets the timer again.
      if (this.#ports.isBusy(key, process)) return;
      const due = this.#ports.nextDueAt(key), dueInMs = due === null ? Infinity : due - this.#clock.now();
      if (dueInMs <= idleEndMs) this.#armIdleTimer(unit, Math.max(0, dueInMs) + idleEndMs);
      else process.stop("idle: nothing was due and nothing is due soon");
    });
  }
}
