/**
 * What a command may touch of the world outside, as values: `main.ts` hands in the real ones, tests their own.
 * A command is a function of (io, flags, ...arguments) to an exit code; only `main.ts` exits.
 */
import type { CancelTimer, Clock } from "../base/time.ts";

export interface Sink {
  /** Writes the text before it returns. Does nothing once the reader has gone; throws STORE_FAILED on a full disk. */
  write(text: string): void;
  /** The same without holding anything else up, for as long as it may take. One call at a time. */
  writeLater(text: string): Promise<void>;
  /** Aborts when the reader has closed its end: who produces more should stop, and that is no failure. */
  readonly gone: AbortSignal;
}

export interface CliIo {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Whether stdout shows colour: a terminal asks for it, and nothing forbids it. */
  readonly colour: boolean;
  /** Whether stdin or stdout was a terminal at the start: its end, a SIGHUP, is then the end of what runs in it. */
  readonly terminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Calls `fire` at each SIGINT or SIGTERM, until it is undone; while it is not, they do not end the process. */
  onInterrupt(fire: () => void): CancelTimer;
  /** The same for SIGHUP. */
  onHangup(fire: () => void): CancelTimer;
}

/** Exit codes of every command; `workflow trigger --wait` and `sense trigger --wait` may have the run's own. */
export const exit = { ok: 0, failed: 1, usage: 2, noDaemon: 3, interrupted: 130 } as const;
