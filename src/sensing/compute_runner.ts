/**
 * Runs computes in the processes of their groups and enforces their time limits.
 * Called by the scheduler through manager.ts; kernel/process_events.ts forwards the events of the processes.
 * I1. Every compute gets exactly one outcome, even if its process dies, cannot start, or never answers.
 * I2. Only the process that got a compute may answer it.
 * I3. Time limits count from the beginning of a compute: once its process, whose start has its own limit, is ready, and
 *     it is the turn of its sense to load there (first_computes.ts).
 * I4. The reported beginning of a compute is never too early. A compute that ended without an answer counts as begun at
 *     its end.
 */
import { formatDuration } from "../base/duration.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { FromProcess, ToProcess } from "../protocol/message.ts";
import type { ComputeOutcome, Trigger } from "../protocol/signal.ts";
import { FirstComputes } from "./first_computes.ts";
import type { ComputeHost, ComputeLimits, ComputeOrder, ComputeProcess, ComputeProcessEnd } from "./ports.ts";

/** What a compute gets besides its trigger, as in its message (protocol/message.ts). */
export type Given = Pick<Extract<ToProcess, { t: "compute" }>, "signals" | "deliveries" | "changed" | "key" | "taken">;
const nothingGiven: Given = { signals: [], deliveries: [], key: null, taken: null };

/** How a compute ended, and when the sense began it: in monotonic time, and never before the request. */
export interface ComputeEnd {
  readonly outcome: ComputeOutcome;
  /** Whether its value stays in the sense's outbox until the kernel has stored it. */
  readonly kept: boolean;
  readonly beganAt: number;
}

interface ActiveCompute {
  readonly limits: ComputeLimits;
  readonly process: ComputeProcess;
  readonly finish: (computed: ComputeEnd) => void;
  readonly requestedAt: number;
  /** False while the compute waits for its sense's turn to load. */
  sent: boolean;
  over: boolean;
  timer: CancelTimer | null;
  /** Why the compute was aborted; null if it was not. */
  aborted: "timeout" | "stop" | null;
}

export class ComputeRunner {
  readonly #host: ComputeHost;
  readonly #clock: Clock;
  readonly #active = new Map<number, ActiveCompute>();
  readonly #firsts = new WeakMap<ComputeProcess, FirstComputes>();
  /** The number of unfinished computes of each process. */
  readonly #counts = new Map<ComputeProcess, number>();
  #onIdle: (() => void) | null = null;
  #stopping = false;

  constructor(host: ComputeHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Never rejects. `give` is called once the compute is sent to a process; its result becomes part of the message. */
  async compute(
    limits: ComputeLimits,
    trigger: Trigger,
    id: number,
    give: () => Given = () => nothingGiven,
  ): Promise<ComputeEnd> {
    const requestedAt = this.#clock.monotonic(), order = orderOf(trigger, this.#clock.now());
    const process = this.#host.getOrStartProcess(limits.unit, order);
    if (process === null) {
      return {
        outcome: { kind: "group_down", message: this.#host.downReasonOf(limits.unit) },
        kept: false,
        beganAt: requestedAt,
      };
    }
    const { promise, resolve } = Promise.withResolvers<ComputeEnd>();
    const compute: ActiveCompute = {
      ...{ limits, process, requestedAt, sent: false, over: false, timer: null, aborted: null },
      finish: (computed) => {
        compute.over = true;
        resolve(computed);
      },
    };
    this.#active.set(id, compute);
    this.#counts.set(process, (this.#counts.get(process) ?? 0) + 1);
    this.#firstsOf(process).compute(limits.sense, order, () => {
      if (compute.over) return false;
      compute.sent = true;
      process.send(toComputeMessage(limits.sense, trigger, id, give()));
      if (process.ready) this.#startTimeLimit(id, compute);
      return true;
    });
    const computed = await promise;
    compute.timer?.();
    this.#active.delete(id);
    const left = (this.#counts.get(process) ?? 0) - 1;
    if (left > 0) this.#counts.set(process, left);
    else this.#counts.delete(process);
    this.#firstsOf(process).onEnded(limits.sense);
    this.#host.release(limits.unit);
    if (this.#active.size === 0) this.#onIdle?.();
    return computed;
  }

  /** True once `stop` has aborted the active computes. */
  get stopping(): boolean {
    return this.#stopping;
  }

  isBusy(process: ComputeProcess): boolean {
    return this.#counts.has(process);
  }

  /**
   * Starts the process of a sense ahead of a compute at `dueAt`, and loads the sense in it. `giveTaken` returns the
   * `taken` of the `load` message.
   */
  prepare({ unit, sense }: ComputeLimits, dueAt: number, giveTaken: () => string | null): void {
    const order: ComputeOrder = { asked: false, dueAt }, process = this.#host.getOrStartProcess(unit, order);
    // Loading the module takes half as long as starting the process, so it should not wait for the tick either.
    if (process !== null && !process.ready) {
      this.#firstsOf(process).load(sense, order, () => process.send({ t: "load", sense, taken: giveTaken() }));
    }
    this.#host.release(unit);
  }

  onReady(process: ComputeProcess): void {
    for (const [id, compute] of this.#active) {
      if (compute.process === process && compute.sent) this.#startTimeLimit(id, compute);
    }
  }

  onLoaded(process: ComputeProcess, sense: string, succeeded: boolean): void {
    this.#firstsOf(process).onLoaded(sense, succeeded);
  }

  /** How many senses the process has loaded. */
  countLoaded(process: ComputeProcess): number {
    return this.#firstsOf(process).loaded;
  }

  /** Returns false when the process did not get that compute. */
  onOutcome(process: ComputeProcess, { id, ranMs, kept, outcome }: Extract<FromProcess, { t: "outcome" }>): boolean {
    const compute = this.#active.get(id);
    if (compute?.process !== process || !compute.sent) return false;
    // A compute that throws after its signal aborted was cut short. A compute that still finished its work was not.
    const cut = compute.aborted !== null && outcome.kind === "error";
    const beganAt = Math.max(compute.requestedAt, this.#clock.monotonic() - (ranMs ?? 0));
    compute.finish({ outcome: cut ? toCutShortOutcome(compute, false) : outcome, kept: kept === true, beganAt });
    return true;
  }

  onProcessEnd(process: ComputeProcess, end: ComputeProcessEnd): void {
    for (const compute of this.#active.values()) {
      if (compute.process !== process) continue;
      const overdue = compute.aborted !== null && end.kind === "timeout";
      const down: ComputeOutcome = { kind: "group_down", message: `its process ${end.message}` };
      compute.finish({
        outcome: overdue ? toCutShortOutcome(compute, true) : down,
        kept: false,
        beganAt: this.#clock.monotonic(),
      });
    }
  }

  /** Aborts all computes and resolves when they have ended. Those that outlast their grace period are killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const [id, compute] of this.#active) this.#abort(id, compute, "stop");
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#onIdle = resolve);
  }

  #firstsOf(process: ComputeProcess): FirstComputes {
    let firsts = this.#firsts.get(process);
    if (firsts === undefined) this.#firsts.set(process, firsts = new FirstComputes());
    return firsts;
  }

  #startTimeLimit(id: number, compute: ActiveCompute): void {
    if (compute.aborted !== null) return;
    compute.timer = this.#clock.after(compute.limits.timeoutMs, () => this.#abort(id, compute, "timeout"));
  }

  #abort(id: number, compute: ActiveCompute, why: "timeout" | "stop"): void {
    const { sense, timeoutMs, gracePeriodMs } = compute.limits;
    compute.aborted = why;
    if (!compute.sent) {
      const outcome = toCutShortOutcome(compute, false);
      return compute.finish({ outcome, kept: false, beganAt: this.#clock.monotonic() });
    }
    const timedOut = `compute did not finish within ${formatDuration(timeoutMs)}`;
    compute.process.send({ t: "abort", id, reason: why === "stop" ? stopMessage : timedOut });
    compute.timer?.();
    compute.timer = this.#clock.after(gracePeriodMs, () => {
      const limit = why === "stop" ? "the stop of the daemon" : formatDuration(timeoutMs);
      const spent = `${limit} and a grace period of ${formatDuration(gracePeriodMs)}`;
      compute.process.kill("timeout", `was killed: sense ${sense} did not return within ${spent}`);
    });
  }
}

function orderOf(trigger: Trigger, now: number): ComputeOrder {
  return { asked: trigger.kind === "manual", dueAt: "due" in trigger ? trigger.due : now };
}

function toComputeMessage(sense: string, trigger: Trigger, id: number, given: Given): ToProcess {
  if (trigger.kind !== "signal") return { t: "compute", id, sense, trigger, ...given };
  const { signal, ...bare } = trigger, { signals } = given;
  return { t: "compute", id, sense, trigger: bare, ...given, signals: signals.length > 0 ? signals : [signal] };
}

const stopMessage = "the daemon stops";

function toCutShortOutcome({ aborted, limits }: ActiveCompute, killed: boolean): ComputeOutcome {
  if (aborted === "stop") return { kind: "group_down", message: stopMessage };
  return { kind: "timeout", afterMs: limits.timeoutMs, killed };
}
