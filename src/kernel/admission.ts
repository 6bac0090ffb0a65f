/** Connects tokens, sessions and links to the log, to its database, and to the listener. Created by wiring.ts. */
import { TokenDesk } from "../access/token_desk.ts";
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
import type { Hooking } from "./hooking.ts";

export interface AdmissionPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly repeats: RepeatLimiter;
  readonly hooking: Hooking;
  emit(event: KernelEvent): void;
}

/** Cookies know no ports: each workspace has a name of its own for its cookie. */
const cookieKey = "access_cookie";

export class Admission {
  readonly desk: TokenDesk;
  readonly cookie: string;
  readonly #hooking: Hooking;

  constructor(ports: AdmissionPorts) {
    const { store: { meta }, hooking } = ports;
    this.desk = new TokenDesk(toAccessPorts(ports));
    this.#hooking = hooking;
    this.cookie = meta.get(cookieKey) ?? `nerve_${crypto.randomUUID().slice(0, 8)}`;
    if (meta.get(cookieKey) === null) meta.set(cookieKey, this.cookie);
    this.desk.onChange = () => hooking.onAccessChange();
  }

  list: TokenDesk["list"] = () => this.desk.list();
  create: (request: CreateTokenRequest) => Promise<CreateTokenReply> = (request) => this.desk.create(request);
  admit: TokenDesk["admit"] = (credential) => this.desk.admit(credential);
  openSession: TokenDesk["openSession"] = (link) => this.desk.openSession(link);
  onDenied: TokenDesk["onDenied"] = (error, who) => this.desk.onDenied(error, who);

  get denied(): TokenDesk["denied"] {
    return this.desk.denied;
  }

  /** As `Health` has them. */
  counters(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.denied).map(([code, count]) => [`${deniedPrefix}${code}`, count]));
  }

  get hasToken(): boolean {
    return this.desk.hasToken;
  }

  async revoke(request: RevokeTokensRequest): Promise<RevokeTokensReply> {
    return { revoked: await this.desk.revoke(request) };
  }

  async makeLink(scope: SessionScope): Promise<CreateLinkReply> {
    const { text, expires } = await this.desk.makeLink(scope);
    return { path: `/login?link=${text}`, expires, listener: this.#hooking.listener };
  }
}

function toAccessPorts({ store, clock, repeats, emit }: AdmissionPorts): AccessPorts {
  return {
    clock,
    load: () => store.tokens.list() as StoredToken[],
    save: (change) => store.tokens.save(change),
    saveUse: (id, at) => store.tokens.saveUse(id, at),
    record: (row, kind) => repeats.record(row, kind),
    reportProblem: (message) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() }),
  };
}
