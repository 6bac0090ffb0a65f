/**
 * Keeps the listener where `listen` of nerve.yaml wants it, also across reloads. Used by control_socket.ts: it is there
 * wherever the control API is.
 * I1. An address that cannot be bound keeps no daemon from starting: it is reported once, shown, and tried again.
 */
import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../base/errors.ts";
import { listenRetryMs } from "../base/hook_limits.ts";
import { describeSystemError } from "../base/os_error.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { HooksPort } from "../control/kernel_port.ts";
import type { TcpServer } from "../control/tcp_server.ts";
import type { ListenDefinition } from "../protocol/hook.ts";

export interface ListenerOptions {
  readonly clock: Clock;
  /** Called with problems of the listener. */
  report(what: string): void;
}

export class Listener {
  readonly #hooks: HooksPort;
  readonly #options: ListenerOptions;
  #server: TcpServer | null = null;
  #current: ListenDefinition | null = null;
  #applying: Promise<void> = Promise.resolve();
  #cancelRetry: CancelTimer = () => {};
  #problem: string | null = null;
  #stopped = false;

  constructor(hooks: HooksPort, options: ListenerOptions) {
    this.#hooks = hooks;
    this.#options = options;
  }

  /** Resolves when it listens where it is wanted, or has reported why not. */
  open(): Promise<void> {
    this.#hooks.onListenerChange(() => void this.#enter());
    return this.#enter();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#hooks.onListenerChange(() => {});
    this.#cancelRetry();
    await this.#applying;
    await this.#server?.stop();
  }

  #enter(): Promise<void> {
    return this.#applying = this.#applying.then(() => this.#apply());
  }

  /** Never rejects. */
  async #apply(): Promise<void> {
    const wanted = this.#stopped ? null : this.#hooks.wantedListener();
    if (this.#stopped || this.#server !== null && isDeepStrictEqual(wanted, this.#current)) return;
    this.#cancelRetry();
    await this.#server?.stop();
    this.#server = null;
    this.#current = wanted;
    if (wanted === null) return this.#hooks.setListener(null);
    try {
      this.#server = await this.#serve(wanted);
      this.#problem = null;
      this.#hooks.setListener({ address: format(wanted, this.#server.port), listening: true, problem: null });
    } catch (thrown) {
      const address = format(wanted, wanted.port),
        problem = `cannot listen on ${address}: ${describeSystemError(thrown)}`;
      this.#hooks.setListener({ address, listening: false, problem });
      if (problem !== this.#problem) this.#options.report(problem);
      this.#problem = problem;
      this.#cancelRetry = this.#options.clock.after(listenRetryMs, () => void this.#enter());
    }
  }

  /** Imports on demand: most workspaces have no listener. */
  async #serve({ hostname, port, hosts }: ListenDefinition): Promise<TcpServer> {
    const [{ createListenerApp }, { serveTcp }] = await Promise.all([
      import("../control/listener_app.ts"),
      import("../control/tcp_server.ts"),
    ]);
    const report = (thrown: unknown) => this.#options.report(`listener: ${messageOf(thrown)}`);
    const app = createListenerApp(this.#hooks, { hosts: [hostname, ...hosts], report });
    return await serveTcp(app, { hostname, port, clock: this.#options.clock, report });
  }
}

function format({ hostname }: ListenDefinition, port: number): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
