/**
 * Notifies systemd of the daemon's state, as sd_notify(3) specifies: that it is ready, that it is stopping and, at an
 * interval, that it is alive, so that systemd ends a kernel that hangs. Used by cli/commands/run.ts; under `nerve
 * start`, our own supervisor watches the kernel.
 */
import { sendDatagram } from "../base/datagram.ts";
import { messageOf } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceManagerOptions {
  readonly clock: Clock;
  /** The pid of this process. */
  readonly pid: number;
  /** Called once when systemd cannot be notified. */
  report(what: string): void;
}

export class ServiceManager {
  readonly #address: string;
  readonly #options: ServiceManagerOptions;
  #cancel: CancelTimer = () => {};
  #reported = false;

  private constructor(address: string, beatMs: number | null, options: ServiceManagerOptions) {
    this.#address = address;
    this.#options = options;
    if (beatMs === null) return;
    const beat = () => {
      this.#tell("WATCHDOG=1");
      this.#cancel = options.clock.after(beatMs, beat);
    };
    beat();
  }

  /** Null when no service manager expects notifications from this process. */
  static find(env: Environment, options: ServiceManagerOptions): ServiceManager | null {
    const address = env["NOTIFY_SOCKET"];
    if (address === undefined || address === "") return null;
    return new ServiceManager(address, readBeat(env, options.pid), options);
  }

  /** `status`: one line that `systemctl status` shows. */
  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${status}`);
  }

  status(status: string): void {
    this.#tell(`STATUS=${status}`);
  }

  stopping(): void {
    this.#tell("STOPPING=1");
  }

  /** No notification follows. */
  close(): void {
    this.#cancel();
  }

  #tell(words: string): void {
    try {
      if (sendDatagram(this.#address, words)) return;
      this.#report(`systemd cannot be notified at ${this.#address}`);
    } catch (thrown) {
      this.#report(`systemd cannot be notified: ${messageOf(thrown)}`);
    }
  }

  #report(what: string): void {
    if (!this.#reported) this.#options.report(what);
    this.#reported = true;
  }
}

/** Half of systemd's watchdog interval, as sd_watchdog_enabled(3) advises; null when there is none for this process. */
function readBeat(env: Environment, pid: number): number | null {
  const us = Number(env["WATCHDOG_USEC"]), of = env["WATCHDOG_PID"];
  if (!Number.isFinite(us) || us <= 0 || (of !== undefined && of !== String(pid))) return null;
  return Math.max(1, Math.floor(us / 2_000));
}
