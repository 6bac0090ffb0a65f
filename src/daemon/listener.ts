/**
 * Keeps the listener at the address that `listen` in nerve.yaml names, also across reloads. Used by control_socket.ts:
 * the listener runs wherever the control API does.
 * I1. An address that cannot be bound keeps no daemon from starting: the problem is reported once, shown, and retried.
 * I2. An address that other machines can reach is open only while a token exists.
 */
import { isDeepEqual } from "../base/deep_equal.ts";
import { messageOf } from "../base/errors.ts";
import { listenRetryMs } from "../base/hook_limits.ts";
import { describeSystemError } from "../base/os_error.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { version } from "../base/version.ts";
import type { KernelPort } from "../control/kernel_port.ts";
import type { TcpServer } from "../control/tcp_server.ts";
import { isLoopback, type ListenDefinition, openListenerHint, openListenerText } from "../protocol/hook.ts";

export interface ListenerOptions {
  readonly clock: Clock;
  /** Called when a client asks for a stop through the listener. */
  stop(): void;
  /** Called with problems of the listener. */
  report(what: string): void;
}

export class Listener {
  readonly #api: KernelPort;
  readonly #options: ListenerOptions;
  #server: TcpServer | null = null;
  #current: ListenDefinition | null = null;
  #applying: Promise<void> = Promise.resolve();
  #cancelRetry: CancelTimer = () => {};
  #problem: string | null = null;
  #stopped = false;

  constructor(api: KernelPort, options: ListenerOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Resolves when it listens where nerve.yaml wants it, or has reported why it does not. */
  open(): Promise<void> {
    this.#api.hooks.onListenerChange(() => void this.#enter());
    return this.#enter();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#api.hooks.onListenerChange(() => {});
    this.#cancelRetry();
    await this.#applying;
    await this.#server?.stop();
  }

  #enter(): Promise<void> {
    return this.#applying = this.#applying.then(() => this.#apply());
  }

  /** Never rejects. */
  async #apply(): Promise<void> {
    const wanted = this.#stopped ? null : this.#api.hooks.wantedListener();
    const refusal = wanted === null ? null : this.#findRefusal(wanted);
    const isSame = this.#server !== null && refusal === null && isDeepEqual(wanted, this.#current);
    if (this.#stopped || isSame) return;
    this.#cancelRetry();
    await this.#server?.stop();
    this.#server = null;
    this.#current = wanted;
    if (wanted === null) return this.#api.hooks.setListener(null);
    if (refusal !== null) return this.#tellProblem(wanted, refusal);
    try {
      this.#server = await this.#serve(wanted);
      this.#problem = null;
      this.#api.hooks.setListener({ address: format(wanted, this.#server.port), listening: true, problem: null });
    } catch (thrown) {
      this.#tellProblem(wanted, `cannot listen on ${format(wanted, wanted.port)}: ${describeSystemError(thrown)}`);
      this.#cancelRetry = this.#options.clock.after(listenRetryMs, () => void this.#enter());
    }
  }

  /** I2. Why the address must not be opened; null when it may. */
  #findRefusal({ hostname }: ListenDefinition): string | null {
    if (isLoopback(hostname) || this.#api.access.hasToken) return null;
    return `${openListenerText(hostname)}: ${openListenerHint}`;
  }

  #tellProblem(wanted: ListenDefinition, problem: string): void {
    this.#api.hooks.setListener({ address: format(wanted, wanted.port), listening: false, problem });
    if (problem !== this.#problem) this.#options.report(problem);
    this.#problem = problem;
  }

  /** Imports on demand: most workspaces have no listener. */
  async #serve({ hostname, port, hosts }: ListenDefinition): Promise<TcpServer> {
    const [{ createApp }, { createListenerApp }, { serveTcp }] = await Promise.all([
      import("../control/app.ts"),
      import("../control/listener_app.ts"),
      import("../control/tcp_server.ts"),
    ]);
    const report = (thrown: unknown) => this.#options.report(`listener: ${messageOf(thrown)}`);
    const { hooks, access } = this.#api, named = hostname.includes(":") ? `[${hostname}]` : hostname;
    // A separate API: its event readers take no place from those on the socket.
    const api = createApp(this.#api, { version, stop: () => this.#options.stop(), report });
    const app = createListenerApp({ hooks, access, api }, { hostname: named, hosts, report });
    return await serveTcp(app, { hostname, port, clock: this.#options.clock, report });
  }
}

function format({ hostname }: ListenDefinition, port: number): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
