/**
 * The time since the machine booted. It includes the time that the machine slept, does not change when the clock is
 * set, and is the same for every process until the next boot: the rest of a wait is known even after a restart of the
 * daemon.
 */

/** A type, not an interface: it is stored as JSON. */
export type BootTime = {
  /** Which boot of the machine. */
  readonly id: string;
  /** Milliseconds since that boot. */
  readonly ms: number;
};

let bootId: string | null | undefined;

/** Takes about 20 us. Null where it is unavailable, as outside Linux, or not readable by this process. */
export function readBootTime(): BootTime | null {
  bootId ??= read("/proc/sys/kernel/random/boot_id");
  const seconds = bootId === null ? NaN : parseFloat(read("/proc/uptime") ?? "");
  return bootId === null || !Number.isFinite(seconds) ? null : { id: bootId, ms: Math.round(seconds * 1_000) };
}

function read(path: string): string | null {
  try {
    return Deno.readTextFileSync(path).trim();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotCapable) return null;
    if (thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}
