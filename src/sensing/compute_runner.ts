/**
 * Runs computes in the processes of their groups and sees to their time limits.
 * Called by the scheduler through manager.ts; hears of the processes through kernel.ts.
 * I1. Every compute gets exactly one outcome, also when its process dies, cannot start, or never answers.
 * I2. Only the process that was given a compute may answer it.
 * I3. Time limits count from when the process is ready: its start has a limit of its own.
 * I4. No compute is said to have begun earlier than it did; what died without a word began at its end.
 */
import { formatDuration } from "../base/duration.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { FromProcess } from "../protocol/message.ts";
import type { ComputeOutcome, Trigger } from "../protocol/signal.ts";
import type { ComputeHost, ComputeLimits, ComputeProcess, ComputeProcessEnd } from "./ports.ts";

/** How a compute ended, and when the sense began it: monotonic, and never before it was asked for. */
export interface Computed {
  readonly outcome: ComputeOutcome;
  readonly beganAt: number;
}

interface Flight {
  readonly limits: ComputeLimits;
  readonly process: ComputeProcess;
  readonly finish: (computed: Computed) => void;
  readonly askedAt: number;
  timer: CancelTimer | null;
  /** Why it was told to stop; null while it may go on. */
  aborted: "timeout" | "stop" | null;
}

export class ComputeRunner {
  readonly #host: ComputeHost;
  readonly #clock: Clock;
  readonly #flights = new Map<number, Flight>();
  #idle: (() => void) | null = null;
  #stopping = false;

  constructor(host: ComputeHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Never rejects. */
  async compute(limits: ComputeLimits, trigger: Trigger, id: number): Promise<Computed> {
    const askedAt = this.#clock.monotonic(), process = this.#host.process(limits.unit);
    if (process === null) {
      return { outcome: { kind: "group_down", message: this.#host.whyDown(limits.unit) }, beganAt: askedAt };
    }
    const { promise, resolve } = Promise.withResolvers<Computed>();
    const flight: Flight = { limits, process, finish: resolve, askedAt, timer: null, aborted: null };
    this.#flights.set(id, flight);
    process.send({ t: "compute", id, sense: limits.sense, trigger });
    if (process.ready) this.#limit(id, flight);
    const computed = await promise;
    flight.timer?.();
    this.#flights.delete(id);
    this.#host.released(limits.unit);
    if (this.#flights.size === 0) this.#idle?.();
    return computed;
  }

  /** Everything that is under way is being cut short. */
  get stopping(): boolean {
    return this.#stopping;
  }

  busy(process: ComputeProcess): boolean {
    return this.#flights.values().some((flight) => flight.process === process);
  }

  onReady(process: ComputeProcess): void {
    for (const [id, flight] of this.#flights) if (flight.process === process) this.#limit(id, flight);
  }

  /** False: the process may not speak of that compute. */
  onOutcome(process: ComputeProcess, { id, ranMs, outcome }: Extract<FromProcess, { t: "outcome" }>): boolean {
    const flight = this.#flights.get(id);
    if (flight?.process !== process) return false;
    // A compute that stops because its signal aborted was cut short; one that still finished its work was not.
    const cut = flight.aborted !== null && outcome.kind === "error";
    const beganAt = Math.max(flight.askedAt, this.#clock.monotonic() - (ranMs ?? 0));
    flight.finish({ outcome: cut ? cutShort(flight, false) : outcome, beganAt });
    return true;
  }

  onEnd(process: ComputeProcess, end: ComputeProcessEnd): void {
    for (const flight of this.#flights.values()) {
      if (flight.process !== process) continue;
      const overdue = flight.aborted !== null && end.kind === "timeout";
      const down: ComputeOutcome = { kind: "group_down", message: `its process ${end.message}` };
      flight.finish({ outcome: overdue ? cutShort(flight, true) : down, beganAt: this.#clock.monotonic() });
    }
  }

  /** Aborts all computes and resolves when they are over; those that do not stop in their grace are killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const [id, flight] of this.#flights) this.#abort(id, flight, "stop");
    if (this.#flights.size > 0) await new Promise<void>((resolve) => this.#idle = resolve);
  }

  #limit(id: number, flight: Flight): void {
    if (flight.aborted !== null) return;
    flight.timer = this.#clock.after(flight.limits.timeoutMs, () => this.#abort(id, flight, "timeout"));
  }

  #abort(id: number, flight: Flight, why: "timeout" | "stop"): void {
    const { sense, timeoutMs, gracePeriodMs } = flight.limits;
    flight.aborted = why;
    const late = `compute was not done after ${formatDuration(timeoutMs)}`;
    flight.process.send({ t: "abort", id, reason: why === "stop" ? stopping : late });
    flight.timer?.();
    flight.timer = this.#clock.after(gracePeriodMs, () => {
      const told = why === "stop" ? "the stop of the daemon" : formatDuration(timeoutMs);
      const spent = `${told} and ${formatDuration(gracePeriodMs)} of grace`;
      flight.process.kill("timeout", `was killed: sense ${sense} did not return within ${spent}`);
    });
  }
}

const stopping = "the daemon stops";

function cutShort({ aborted, limits }: Flight, killed: boolean): ComputeOutcome {
  if (aborted === "stop") return { kind: "group_down", message: stopping };
  return { kind: "timeout", afterMs: limits.timeoutMs, killed };
}
