/** The interfaces between the shim, the worker and the two runtimes (sense_runtime.ts, workflow_runtime.ts). */
import type { FromProcess, ProcessSpec, ToProcess } from "../protocol/message.ts";
import type { ReadLimit } from "./read_limit.ts";

/** Runs the senses of a group, or the runs of a workflow, on messages from the kernel. */
export interface Runtime {
  handle(message: RuntimeMessage): void;
  /** Closes databases. Called once, at the end. */
  close(): void;
}

export type RuntimeMessage = Exclude<
  ToProcess,
  { t: "init" | "ping" | "end" | "programs_ended" | "held" | "prompted" }
>;

/** Sends messages to the kernel, in order. */
export interface KernelChannel {
  /** Sends when user code yields the thread. */
  send(message: FromProcess): void;
  /** Like `send`, for a message that is already JSON text, to avoid encoding it twice. */
  sendText(line: string): void;
  /** Resolves when everything sent so far has left the process. */
  flushed(): Promise<void>;
  /** Sends at once, through the shim: a message before an endless loop or a crash must still arrive. */
  sendNow(message: FromProcess): void;
  /** Encloses reads of other senses' databases. */
  readonly reads: ReadLimit;
}

/** What the shim passes to the worker: the process's spec, and how to connect to the kernel. */
export interface BootMessage {
  readonly spec: ProcessSpec;
  readonly socket: string;
  readonly token: string;
  /** The beginning of its programs' marks (programs.ts); null: it may start no programs. */
  readonly mark: string | null;
  /** By name: the values of the unit's variables that count as secret (own_secrets.ts). */
  readonly secrets: Readonly<Record<string, string>>;
  /** Permissions granted only for connecting; the worker revokes them afterwards. */
  readonly connectGrants: readonly ConnectGrant[];
  /** An Int32Array: counts the reads of other senses' databases (read_limit.ts). */
  readonly reads: SharedArrayBuffer;
}

export type ConnectGrant =
  | { readonly name: "read" | "write"; readonly path: string }
  | { readonly name: "net"; readonly host: string };
