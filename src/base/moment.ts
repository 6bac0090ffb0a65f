/**
 * A stored moment and the time since then, by the wall clock and, until the next reboot, by the boot clock. Used for
 * what outlives the daemon: ticks of senses, waits of runs.
 */
import type { BootTime } from "./boot_time.ts";
import type { Clock } from "./time.ts";

/** A type, not an interface: it is part of rows of the log, which are JSON. */
export type Moment = {
  /** Wall milliseconds. */
  readonly wall: number;
  readonly boot: BootTime | null;
};

export function readMoment(clock: Clock): Moment {
  return { wall: clock.now(), boot: clock.boot() };
}

/**
 * Milliseconds since `moment`, never negative: the greater result of both clocks. Setting the clock back makes no wait
 * longer, and correcting a wrong clock ends a wait at once.
 */
export function msSince(clock: Clock, { wall, boot }: Moment): number {
  const now = clock.boot(), sameBoot = now !== null && boot !== null && now.id === boot.id;
  return Math.max(0, clock.now() - wall, sameBoot ? now.ms - boot.ms : 0);
}

/** Whether a planned moment has come, by either clock; without a boot time, by the wall clock alone. */
export function hasCome(clock: Clock, { wall, boot }: Moment): boolean {
  const now = clock.boot();
  return clock.now() >= wall || now !== null && boot !== null && now.id === boot.id && now.ms >= boot.ms;
}

/** The moment `ms` milliseconds before; after it if `ms` is negative. */
export function momentBefore({ wall, boot }: Moment, ms: number): Moment {
  return { wall: wall - ms, boot: boot === null ? null : { id: boot.id, ms: boot.ms - ms } };
}
