/** Connects tokens, sessions and links to the log, the database and the listener. Created by wiring.ts. */
import { AccessControl } from "../access/access_control.ts";
import type { AccessPorts, StoredToken } from "../access/ports.ts";
import type { Clock } from "../base/time.ts";
import type {
  CreateLinkReply,
  CreateTokenReply,
  CreateTokenRequest,
  RevokeTokensReply,
  RevokeTokensRequest,
  SessionScope,
} from "../protocol/access.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { deniedPrefix } from "../protocol/metrics.ts";
import type { RepeatLimiter } from "../sensing/repeat_limiter.ts";
import type { Store } from "../store/store.ts";
import type { HookWiring } from "./hook_wiring.ts";

export interface AccessWiringPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  readonly hooking: HookWiring;
  emit(event: KernelEvent): void;
}

/** Cookies ignore the port, so each workspace has its own cookie name. */
const cookieKey = "access_cookie";

export class AccessWiring {
  readonly control: AccessControl;
  readonly cookie: string;
  readonly #hooking: HookWiring;

  constructor(ports: AccessWiringPorts) {
    const { store: { meta }, hooking } = ports;
    this.control = new AccessControl(toAccessPorts(ports));
    this.#hooking = hooking;
    this.cookie = meta.get(cookieKey) ?? `nerve_${crypto.randomUUID().slice(0, 8)}`;
    if (meta.get(cookieKey) === null) meta.set(cookieKey, this.cookie);
    this.control.onChange = () => hooking.onAccessChange();
  }

  list: AccessControl["list"] = () => this.control.list();
  create: (request: CreateTokenRequest) => Promise<CreateTokenReply> = (request) => this.control.create(request);
  admit: AccessControl["admit"] = (credential) => this.control.admit(credential);
  openSession: AccessControl["openSession"] = (link) => this.control.openSession(link);
  onDenied: AccessControl["onDenied"] = (error, who) => this.control.onDenied(error, who);

  get denied(): AccessControl["denied"] {
    return this.control.denied;
  }

  /** The counters that `Health` shows. */
  counters(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.denied).map(([code, count]) => [`${deniedPrefix}${code}`, count]));
  }

  get hasToken(): boolean {
    return this.control.hasToken;
  }

  async revoke(request: RevokeTokensRequest): Promise<RevokeTokensReply> {
    return { revoked: await this.control.revoke(request) };
  }

  async makeLink(scope: SessionScope): Promise<CreateLinkReply> {
    const { text, expires } = await this.control.makeLink(scope);
    return { path: `/login?link=${text}`, expires, listener: this.#hooking.listener };
  }
}

function toAccessPorts({ store, clock, repeats, emit }: AccessWiringPorts): AccessPorts {
  return {
    clock,
    load: () => store.tokens.list() as StoredToken[],
    save: (change) => store.tokens.save(change),
    saveUse: (id, at) => store.tokens.saveUse(id, at),
    record: (row, kind) => repeats.record(row, kind),
    reportProblem: (message) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() }),
  };
}
