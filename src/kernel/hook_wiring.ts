/**
 * Connects hooks to the log, to listening senses, and to the listener, which the daemon opens at `listen` of
 * nerve.yaml. Created by wiring.ts.
 */
import { hookKeysCheckMs } from "../base/hook_limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { NerveConfig } from "../config/types.ts";
import type { VariablesInForce } from "../deploy/variables.ts";
import { HookReceiver } from "../hooks/hook_receiver.ts";
import type { HookPorts } from "../hooks/ports.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { toHookSource } from "../protocol/delivery.ts";
import type { HookAnswer, HookList, HookRequest, ListenDefinition, ListenerView } from "../protocol/hook.ts";
import type { SignalInbox } from "../sensing/signal_inbox.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { SignalPublisher } from "../sensing/signal_publisher.ts";
import type { Store } from "../store/store.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface HookWiringPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  readonly publisher: SignalPublisher;
  readonly inbox: SignalInbox;
  readonly secrets: CurrentSecrets;
  readonly variables: VariablesInForce;
  emit(event: KernelEvent): void;
}

export class HookWiring {
  readonly #receiver: HookReceiver;
  readonly #ports: HookWiringPorts;
  #onChange: () => void = () => {};
  #listen: ListenDefinition | null = null;
  #listener: ListenerView | null = null;
  #cancel: CancelTimer = () => {};

  constructor(ports: HookWiringPorts) {
    this.#ports = ports;
    this.#receiver = new HookReceiver(toHookPorts(ports));
  }

  configure({ hooks, reflexes, listen }: NerveConfig): void {
    const listening = Map.groupBy(reflexes, ({ hook }) => hook);
    this.#receiver.configure(hooks, (hook) => [...new Set((listening.get(hook) ?? []).map(({ sense }) => sense))]);
    this.#listen = listen;
    if (listen === null) this.#listener = null;
    this.#onChange();
  }

  /** Removes old keys from now on. */
  start(): void {
    const check = () => {
      const more = this.#ports.store.hooks.trim();
      this.#cancel = this.#ports.clock.after(more ? 0 : hookKeysCheckMs, check);
    };
    this.#cancel = this.#ports.clock.after(hookKeysCheckMs, check);
  }

  stop(): void {
    this.#cancel();
  }

  /** Where to listen; null: nowhere. */
  wantedListener(): ListenDefinition | null {
    return this.#listen;
  }

  /** Calls `fire`, which must not throw, whenever the wanted listener may have changed. One caller at a time. */
  onListenerChange(fire: () => void): void {
    this.#onChange = fire;
  }

  /** The number of tokens changed: an address that other machines reach is opened only if there is a token. */
  onAccessChange(): void {
    this.#onChange();
  }

  /** Reports the state of the listener; null: there is none. */
  setListener(view: ListenerView | null): void {
    this.#listener = view;
  }

  get listener(): ListenerView | null {
    const { hostname = "", port = 0 } = this.#listen ?? {};
    const address = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
    return this.#listen === null ? null : this.#listener ?? { address, listening: false, problem: null };
  }

  bodyLimitOf(hook: string): number | null {
    return this.#receiver.bodyLimitOf(hook);
  }

  onTooLarge(hook: string): void {
    this.#receiver.onTooLarge(hook);
  }

  receive(hook: string, request: HookRequest): Promise<HookAnswer | null> {
    return this.#receiver.receive(hook, request);
  }

  list(): HookList {
    return this.#ports.secrets.mask({ listener: this.listener, items: this.#receiver.views() });
  }
}

function toHookPorts(
  { store, clock, repeats, publisher, inbox, secrets, variables, emit }: HookWiringPorts,
): HookPorts {
  return {
    clock,
    append(row, keys) {
      const { id, ts, source, payload } = store.hooks.append(secrets.mask(row), keys);
      const published = publisher.publish({ id, sense: source, payload, ts }, true);
      const stored = published.then((lost) => {
        if (lost !== null) store.hooks.onLost(keys);
        return lost;
      });
      return { id, stored };
    },
    learnKeys: () => store.hooks.learn(),
    findKeys: (keys) => store.hooks.find(keys),
    listDeliveries: (source, afterId, limit) => store.hooks.listIds(source, afterId, limit),
    heardUpTo: (source) => inbox.heardUpTo(source),
    readSecret: (variable) => variables.environment.all[variable] || null,
    record: (row, kind) => repeats.record(row, kind),
    reportProblem: (hook, message) => emit({ kind: "problem", source: toHookSource(hook), message, ts: clock.now() }),
  };
}
