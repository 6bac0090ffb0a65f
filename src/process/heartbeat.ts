/**
 * Checks regularly whether the worker of a process still responds: one in a loop outside of any compute does not. (In a
 * compute, the time limit usually comes first.) Owned by unit_process.ts.
 * I1. A worker that stops responding is found within a minute, whether it has work or not.
 * I2. A process without work is checked less often: it has to wake up for each ping.
 */
import { heartbeatIdleMs, heartbeatMissesMax, heartbeatMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

export interface PingPorts {
  sendPing(n: number): void;
  isBusy(): boolean;
  /** The process does not respond. `why` completes "its process ...". The heartbeat has stopped. */
  onStuck(why: string): void;
}

export class Heartbeat {
  readonly #clock: Clock;
  readonly #ports: PingPorts;
  #cancel: CancelTimer | null = null;
  #pings = 0;
  #pongs = 0;
  /** It answered its last ping and has no work: no ping until the timer fires. */
  #rests = false;
  /** It uses a whole core without work: the next missed ping is the last. */
  #suspect = false;

  constructor(clock: Clock, ports: PingPorts) {
    this.#clock = clock;
    this.#ports = ports;
  }

  start(): void {
    this.#wait(heartbeatMs, false);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#rests = false;
  }

  onPong(n: number): void {
    this.#pongs = Math.min(this.#pings, Math.max(this.#pongs, n));
  }

  /** Call this when the process gets work. */
  onWork(): void {
    if (this.#rests) this.#wait(heartbeatMs, false);
  }

  /** Call this when it uses a whole core without work: it may be in a loop. */
  markSuspect(): void {
    this.#suspect = true;
    if (this.#rests) this.#wait(heartbeatMs, false);
  }

  #wait(ms: number, rests: boolean): void {
    this.#cancel?.();
    this.#rests = rests;
    this.#cancel = this.#clock.after(ms, () => this.#beat());
  }

  #beat(): void {
    const misses = this.#pings - this.#pongs;
    if (this.#suspect && misses > 0) return this.#end("used a whole core outside of any compute and did not answer");
    if (misses >= heartbeatMissesMax) {
      return this.#end(`did not answer for ${(heartbeatMs * heartbeatMissesMax) / 1000} s`);
    }
    const mayRest = misses === 0 && this.#pings > 0 && !this.#suspect && !this.#ports.isBusy();
    if (mayRest && !this.#rests) return this.#wait(heartbeatIdleMs - heartbeatMs, true);
    this.#wait(heartbeatMs, false);
    this.#ports.sendPing(++this.#pings);
  }

  #end(why: string): void {
    this.stop();
    this.#ports.onStuck(why);
  }
}
