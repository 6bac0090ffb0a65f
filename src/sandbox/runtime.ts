/** What the shim, the worker and the two runtimes (senses, workflow) expect of each other. */
import type { FromProcess, ProcessSpec, ToProcess } from "../protocol/message.ts";

/** What a runtime of senses or of a workflow does for the kernel. */
export interface Runtime {
  handle(message: RuntimeMessage): void;
  /** Closes databases; called once, at the end. */
  close(): void;
}
export type RuntimeMessage = Exclude<ToProcess, { t: "init" | "ping" | "end" }>;
/** Sends one message to the kernel, in their order. */
export interface KernelChannel {
  /** It leaves when user code lets go of the thread. */
  send(message: FromProcess): void;
  /** The same for JSON that is already text, to spare a second encoding. */
  sendText(line: string): void;
  /** Resolves when what was sent so far has left. */
  flushed(): Promise<void>;
  /** It leaves at once, through the shim: what was said before a loop without end, or a crash, must be heard. */
  sendNow(message: FromProcess): void;
}

/** What the shim hands over: what this process is for, and how its worker reaches the kernel. */
export interface Boot {
  readonly spec: ProcessSpec;
  readonly socket: string;
  readonly token: string;
  /** What it was granted for that, and gives back. */
  readonly rights: readonly Right[];
}

export type Right =
  | { readonly name: "read" | "write"; readonly path: string }
  | { readonly name: "net"; readonly host: string };
