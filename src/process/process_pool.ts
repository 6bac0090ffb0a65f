/**
 * Every process that has not exited: lets them start in order (start_queue.ts), watches their resources, and ends them
 * all. Used by unit_supervisor.ts, which knows what they are for.
 * I1. A process that waits for its start takes work like any other: it gets the work when it is ready.
 */
import { processStartsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { UnitKey } from "../protocol/unit.ts";
import type { ProcessEnd } from "./exit_cause.ts";
import type { Launch, LaunchRequest } from "./launcher.ts";
import { MemoryWatch } from "./memory_watch.ts";
import type { UnitPlan } from "./ports.ts";
import { type QueuedStart, type StartOrder, StartQueue } from "./start_queue.ts";
import { type ProcessListener, UnitProcess } from "./unit_process.ts";

export interface PoolListener extends ProcessListener {
  /** The process uses much processor time without work. */
  onBurning(): void;
}

interface Pooled {
  readonly key: UnitKey;
  readonly start: QueuedStart;
  readonly exited: PromiseWithResolvers<void>;
}

export class ProcessPool {
  readonly #launch: Launch;
  readonly #clock: Clock;
  readonly #starts: StartQueue;
  readonly #memory: MemoryWatch;
  readonly #processes = new Map<UnitProcess, Pooled>();
  readonly #byId = new Map<number, UnitKey>();

  constructor(launch: Launch, clock: Clock) {
    this.#launch = launch;
    this.#clock = clock;
    this.#starts = new StartQueue(clock, processStartsMax);
    this.#memory = new MemoryWatch(clock);
  }

  /** Resolves when the process has exited. */
  exited(process: UnitProcess): Promise<void> {
    return this.#processes.get(process)?.exited.promise ?? Promise.resolve();
  }

  /**
   * Never throws: a process that cannot be started ends with that reason. `after`: the process begins when this has
   * resolved; null: when it is its turn.
   */
  add(
    { key, spec, request }: UnitPlan,
    order: StartOrder,
    after: Promise<void> | null,
    listener: PoolListener,
  ): UnitProcess {
    const process = new UnitProcess(spec, request, this.#launch, this.#clock, {
      ...listener,
      onReady: (ready) => {
        listener.onReady(ready);
        const pooled = this.#processes.get(ready);
        if (pooled !== undefined) this.#starts.end(pooled.start);
      },
      onEnd: (ended, end) => this.#onEnd(ended, end, listener),
    });
    // Events of a beginning process are reported later, never within this call.
    const begin = () => this.#begin(process, request, listener);
    const start = this.#starts.add(order, () => void (after === null ? begin() : after.then(begin)));
    this.#processes.set(process, { key, start, exited: Promise.withResolvers() });
    this.#byId.set(process.id, key);
    return process;
  }

  /** The process is also needed for this order. */
  hurry(process: UnitProcess, order: StartOrder): void {
    const pooled = process.pid === null ? this.#processes.get(process) : undefined;
    if (pooled !== undefined) this.#starts.hurry(pooled.start, order);
  }

  /** The unit of a process that has not exited. */
  findKey(processId: number): UnitKey | null {
    return this.#byId.get(processId) ?? null;
  }

  /** Lets every process close its databases and exit. Resolves when all have exited. */
  async stop(): Promise<void> {
    for (const process of this.#processes.keys()) process.stop("the daemon stops");
    await Promise.all([...this.#processes.values()].map(({ exited }) => exited.promise));
  }

  killAll(): void {
    for (const process of this.#processes.keys()) process.kill("ended", "the daemon stops immediately");
  }

  #begin(process: UnitProcess, request: LaunchRequest, listener: PoolListener): void {
    process.begin();
    if (process.pid === null) return;
    this.#memory.watch(process.pid, {
      limitBytes: request.memoryBytes,
      written: request.written,
      onOver: (message) => process.kill("memory_limit", message),
      disk: request.disk,
      onDiskFull: (message) => process.kill("disk_limit", message),
      // While it starts, it loads its own code.
      isBusy: () => !process.ready || listener.isBusy(process),
      busyMs: () => process.busyMs(),
      onBurning: () => {
        process.markSuspect();
        listener.onBurning();
      },
      onBurnt: (message) => process.kill("stuck", message),
    });
  }

  #onEnd(process: UnitProcess, end: ProcessEnd, listener: PoolListener): void {
    const pooled = this.#processes.get(process);
    this.#processes.delete(process);
    this.#byId.delete(process.id);
    if (process.pid !== null) this.#memory.unwatch(process.pid);
    listener.onEnd(process, end);
    if (pooled === undefined) return;
    pooled.exited.resolve();
    this.#starts.end(pooled.start);
  }
}
