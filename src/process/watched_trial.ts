/**
 * The limits of a process that no pool watches: a trial, or one that learns permissions. Used by deploy/.
 * I1. The memory limit is the same as in normal operation: code on trial is not trusted either.
 */
import type { Clock } from "../base/time.ts";
import type { LaunchRequest } from "./launcher.ts";
import { MemoryWatch } from "./memory_watch.ts";
import type { UnitProcess } from "./unit_process.ts";

/** Call this when the process has begun. Call the returned function when it has ended. */
export function watchTrial(process: UnitProcess, { memoryBytes, written }: LaunchRequest, clock: Clock): () => void {
  const { pid } = process;
  if (pid === null) return () => {};
  const watch = new MemoryWatch(clock);
  watch.watch(pid, {
    limitBytes: memoryBytes,
    written,
    onOver: (message) => process.kill("memory_limit", message),
    // It writes into databases in memory, and its time is limited as a whole.
    disk: null,
    onDiskFull: () => {},
    isBusy: () => true,
    busyMs: () => clock.monotonic(),
    onBurning: () => {},
    onBurnt: () => {},
  });
  return () => watch.unwatch(pid);
}
