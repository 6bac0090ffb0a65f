/**
 * Notices a kernel that hangs: stopped by a signal, or in a loop. Used by kernel_supervisor.ts; the kernel beats from
 * its event loop (kernel_process.ts).
 * I1. Only time that both processes had counts: a machine that slept, or a supervisor that was stopped too, costs the
 *     kernel at most one miss, since the supervisor's own timer fires once for the whole pause.
 * I2. A kernel that a debugger holds is never ended, nor is one that waits for a disk: a kill would not reach it before
 *     the disk answers, and would then lose its work.
 */
import { kernelBeatMissesMax, kernelBeatMissesTold, kernelBeatMs } from "../base/limits.ts";
import { processStateTexts } from "../base/process_id.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

export interface HeartbeatPorts {
  /** State of the kernel's process as in /proc; null where there is none. */
  state(): string | null;
  /** The kernel is silent, but may still answer. `message` completes "the kernel ...". */
  onSilent(message: string): void;
  /** The kernel has been silent for so long that it must be ended. */
  onHung(message: string): void;
}

export class KernelHeartbeat {
  readonly #clock: Clock;
  readonly #ports: HeartbeatPorts;
  /** False for a kernel of a version that sends no beats. */
  #beats = false;
  #misses = 0;
  #cancel: CancelTimer = () => {};

  constructor(clock: Clock, ports: HeartbeatPorts) {
    this.#clock = clock;
    this.#ports = ports;
    this.#arm();
  }

  beat(): void {
    this.#beats = true;
    // The check runs at any moment between two beats, so the first one without a beat is not a miss.
    this.#misses = -1;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel = this.#clock.after(kernelBeatMs, () => {
      this.#arm();
      if (this.#beats) this.#check(this.#ports.state() ?? "");
    });
  }

  #check(state: string): void {
    if (state === "t") return;
    if (state === "D" && this.#misses >= kernelBeatMissesTold) return;
    this.#misses++;
    const text = processStateTexts[state], why = text === undefined ? "" : `: its process ${text}`;
    const message = `did not answer for ${this.#misses * kernelBeatMs / 1_000} s${why}`;
    if (this.#misses === kernelBeatMissesTold) this.#ports.onSilent(message);
    if (this.#misses !== kernelBeatMissesMax) return;
    this.#cancel();
    this.#ports.onHung(message);
  }
}
