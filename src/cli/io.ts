/**
 * The outside world as a command sees it, in values: main.ts passes the real ones, tests pass their own.
 * A command is a function of (io, flags, ...arguments) that returns an exit code; only main.ts exits.
 */
import type { CancelTimer, Clock } from "../base/time.ts";

export interface Sink {
  /** Writes the text before it returns. Does nothing once the reader is gone; throws STORE_FAILED on a full disk. */
  write(text: string): void;
  /** Writes without blocking anything else, however long it takes. One call at a time. */
  writeLater(text: string): Promise<void>;
  /** Aborts when the reader closes its end. The producer should then stop; that is not a failure. */
  readonly gone: AbortSignal;
}

export interface CliIo {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Whether to print colours: stdout is a terminal, and neither NO_COLOR nor TERM=dumb is set. */
  readonly colour: boolean;
  /** Whether stdin or stdout was a terminal at the start. A SIGHUP then means that the terminal has closed. */
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Calls `fire` at each SIGINT or SIGTERM until cancelled. Meanwhile these signals do not end the process. */
  onInterrupt(fire: () => void): CancelTimer;
  /** The same for SIGHUP. */
  onHangup(fire: () => void): CancelTimer;
}

/** Exit codes of all commands. `workflow trigger --wait` may also return the run's own exit code. */
export const exit = { ok: 0, failed: 1, usage: 2, noDaemon: 3, interrupted: 130 } as const;
