/**
 * `peers` of a workflow's roles: peers.ts opens them, and this file keeps track of the open ones. Used by
 * workflow_runtime.ts.
 */
import type { ProcessSpec } from "../protocol/message.ts";
import { openPeers, type Peers } from "./peers.ts";
import type { KernelChannel, RuntimeMessage } from "./runtime.ts";

export class WorkflowPeers {
  readonly #spec: ProcessSpec;
  readonly #kernel: KernelChannel;
  /** The function that closes each open database. */
  readonly #closers = new Map<string, () => void>();
  #allSenses: ReadonlySet<string>;

  constructor(spec: ProcessSpec, kernel: KernelChannel) {
    this.#spec = spec;
    this.#kernel = kernel;
    this.#allSenses = new Set(spec.allSenses);
  }

  /** Drizzle is loaded only if there may be peers. */
  async open(): Promise<Peers> {
    const peers = this.#spec.workflow?.peers ?? [];
    if (peers.length === 0) return Object.freeze({});
    const { createDrizzle } = await import("../store/sqlite/drizzle.ts");
    return openPeers(this.#spec, { sense: null, peers }, {
      allSenses: () => this.#allSenses,
      onOpened: (name, close) => void this.#closers.set(name, close),
      onUnshared: (name) => this.#kernel.sendNow({ t: "unshared", sense: name }),
      limit: this.#kernel.reads,
      createDrizzle,
    });
  }

  /** Whether the message was about senses, and has been handled. */
  handle(message: RuntimeMessage): boolean {
    if (message.t === "senses") this.#allSenses = new Set(message.all);
    else if (message.t === "reopen") this.#close(message.sense);
    else return false;
    return true;
  }

  /** The next use opens it again. */
  #close(sense: string): void {
    this.#closers.get(sense)?.();
    this.#closers.delete(sense);
  }

  closeAll(): void {
    for (const sense of [...this.#closers.keys()]) this.#close(sense);
  }
}
