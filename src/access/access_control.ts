/**
 * Tokens and sessions: who may do what on the listener. Created by kernel/access_wiring.ts; the listener calls it for
 * every request.
 * I1. A creation or revocation is reported only once it is on disk. Only the hash of a secret is stored.
 * I2. Every denial is counted by its code and logged; repetitions are folded.
 * I3. When a token or session ends, its requests and streams end too, after `accessSweepMs` at the latest.
 */
import { accessSweepMs, deadTokensMax, sessionMs, sessionsMax, tokensMax, tokenUseMs } from "../base/access_limits.ts";
import { type ErrorCode, NerveError } from "../base/errors.ts";
import type { CancelTimer } from "../base/time.ts";
import type {
  AdmittedCaller,
  CreateTokenReply,
  CreateTokenRequest,
  Credential,
  OpenedSession,
  RevokeTokensRequest,
  SessionScope,
  TokenView,
} from "../protocol/access.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import { hashSecret, isSameHash, makeCredential, type NewCredential, parseCredential } from "./credentials.ts";
import { Guesses } from "./guesses.ts";
import { limited, LoginLinks } from "./login_links.ts";
import type { AccessPorts, StoredToken } from "./ports.ts";

interface Held {
  stored: StoredToken;
  /** Aborts its requests. */
  readonly ended: AbortController;
}

export class AccessControl {
  readonly #ports: AccessPorts;
  readonly #guesses: Guesses;
  readonly #links: LoginLinks;
  /** By id, oldest first. */
  readonly #held = new Map<string, Held>();
  /** Entries that ended in memory, but not yet on disk: they can be ended again. */
  readonly #unsaved = new Set<Held>();
  /** How often access was denied, by the code of the error. */
  readonly denied: Partial<Record<ErrorCode, number>> = {};
  /** Called when the number of live tokens changes. */
  onChange: () => void = () => {};
  #cancel: CancelTimer = () => {};

  constructor(ports: AccessPorts) {
    this.#ports = ports;
    this.#guesses = new Guesses(ports.clock);
    this.#links = new LoginLinks(ports.clock, this.#guesses);
    for (const stored of ports.load()) this.#held.set(stored.id, { stored, ended: new AbortController() });
  }

  /** Starts to end what expires. */
  start(): void {
    const sweep = () => {
      for (const { stored, ended } of this.#held.values()) {
        if (this.#stateOf(stored) === "live" || ended.signal.aborted) continue;
        ended.abort();
        this.onChange();
      }
      this.#cancel = this.#ports.clock.after(accessSweepMs, sweep);
    };
    this.#cancel = this.#ports.clock.after(accessSweepMs, sweep);
  }

  stop(): void {
    this.#cancel();
  }

  /** Whether there is a live token. */
  get hasToken(): boolean {
    return this.#live("token").length > 0;
  }

  list(): TokenView[] {
    return [...this.#held.values()].map(({ stored }) => this.#toView(stored));
  }

  /** Throws TOKEN_EXISTS, TOKENS_MANY, STORE_FAILED. */
  async create({ name, scope, forMs }: CreateTokenRequest): Promise<CreateTokenReply> {
    const created = this.#ports.clock.now(), expires = forMs === null ? null : created + forMs;
    const made = await makeCredential();
    if (this.#named(name) !== null) {
      throw new NerveError("TOKEN_EXISTS", `there is a token ${name}`, { hint: `nerve token revoke ${name}` });
    }
    if (this.#live("token").length >= tokensMax) {
      throw new NerveError("TOKENS_MANY", `there are ${tokensMax} tokens`, { hint: "nerve token list" });
    }
    const payload = { scope, expires };
    const stored = await this.#add(
      { kind: "token", name, scope, created, expires },
      made,
      toRow("token.created", name, payload),
    );
    this.onChange();
    return { secret: made.text, token: this.#toView(stored) };
  }

  /** The names of the tokens and sessions that ended. Throws TOKEN_UNKNOWN, STORE_FAILED. */
  async revoke({ name, sessions = false }: RevokeTokensRequest): Promise<string[]> {
    const named = name === undefined ? null : this.#named(name);
    if (name !== undefined && named === null) {
      throw new NerveError("TOKEN_UNKNOWN", `there is no token or session ${name}`, { hint: "nerve token list" });
    }
    const again = [...this.#unsaved].filter(({ stored }) => sessions && stored.kind === "session");
    const all = new Set([...named === null ? [] : [named], ...again, ...sessions ? this.#live("session") : []]);
    await this.#end([...all]);
    return [...all].map(({ stored }) => stored.name);
  }

  makeLink(scope: SessionScope): Promise<{ readonly text: string; readonly expires: number }> {
    return this.#links.make(scope);
  }

  /** Throws what `LoginLinks.use` throws, and STORE_FAILED. */
  async openSession(link: string): Promise<OpenedSession> {
    const scope = await this.#links.use(link), made = await makeCredential();
    const [oldest] = this.#live("session");
    if (oldest !== undefined && this.#live("session").length >= sessionsMax) await this.#end([oldest]);
    // The name must not contain the id: anyone who has the id could use up its guesses.
    const name = `session-${crypto.randomUUID().slice(0, 8)}`,
      created = this.#ports.clock.now(),
      expires = created + sessionMs;
    const row = toRow("login.opened", name, { scope, expires });
    await this.#add({ kind: "session", name, scope, created, expires }, made, row);
    return { cookie: made.text, caller: { kind: "session", name, scope, expires } };
  }

  /** Throws ACCESS_UNKNOWN, ACCESS_EXPIRED, ACCESS_REVOKED, ACCESS_LIMITED. */
  async admit({ kind, text }: Credential): Promise<AdmittedCaller> {
    const parsed = parseCredential(text), held = this.#held.get(parsed?.id ?? "");
    if (parsed === null || held === undefined || held.stored.kind !== kind) {
      throw this.#guesses.takeStranger() ? unknown(kind) : limited();
    }
    const { id } = held.stored;
    if (!isSameHash(await hashSecret(parsed.secret), held.stored.hash)) {
      // Only wrong secrets are counted: no one can lock the owner out.
      if (!this.#guesses.mayTry(id)) throw limited();
      this.#guesses.onWrong(id);
      throw unknown(kind);
    }
    this.#guesses.forget(id);
    const { stored, ended } = held, { name, scope, expires } = stored, state = this.#stateOf(stored);
    if (state === "revoked") {
      throw new NerveError("ACCESS_REVOKED", `the ${kind} ${name} was revoked`, { hint: hints[kind] });
    }
    if (state === "expired") {
      throw new NerveError("ACCESS_EXPIRED", `the ${kind} ${name} has expired`, { hint: hints[kind] });
    }
    this.#noteUse(held);
    return { kind, name, scope, expires, ended: ended.signal };
  }

  /** A request was denied. `who`: the token or session that it presented, if known. */
  onDenied({ code, message }: NerveError, who: string | null): void {
    this.denied[code] = (this.denied[code] ?? 0) + 1;
    const row = { ...toRow("access.denied", who), payload: { code, why: message.slice(0, 300) } };
    const isNew = this.#ports.record(row, who === null ? code : `${code} ${who}`);
    if (isNew) this.#ports.reportProblem(`the listener denied a request: ${message.slice(0, 300)}`);
  }

  #noteUse(held: Held): void {
    const now = this.#ports.clock.now(), { stored } = held;
    if (stored.used !== null && Math.abs(now - stored.used) < tokenUseMs) return;
    held.stored = { ...stored, used: now };
    this.#ports.saveUse(stored.id, now);
  }

  async #add(
    of: Pick<StoredToken, "kind" | "name" | "scope" | "created" | "expires">,
    { id, hash }: NewCredential,
    row: NewLogRow,
  ): Promise<StoredToken> {
    const stored: StoredToken = { ...of, id, hash, used: null, revoked: null };
    // In memory first: two of one name could not be told apart, and no one has the secret yet.
    this.#held.set(id, { stored, ended: new AbortController() });
    const remove = this.#forgetDead(of.name);
    try {
      await this.#ports.save({ put: stored, remove, rows: [row] });
    } catch (thrown) {
      this.#held.delete(id);
      throw thrown;
    }
    return stored;
  }

  async #end(ending: readonly Held[]): Promise<void> {
    const at = this.#ports.clock.now();
    for (const held of ending) {
      held.stored = { ...held.stored, revoked: at };
      held.ended.abort();
      this.#unsaved.add(held);
    }
    const rows = ending.map(({ stored }) =>
      toRow(stored.kind === "token" ? "token.revoked" : "login.ended", stored.name, { scope: stored.scope })
    );
    const ids = ending.map(({ stored }) => stored.id);
    try {
      if (ids.length > 0) await this.#ports.save({ revoke: { ids, at }, rows });
      for (const held of ending) this.#unsaved.delete(held);
    } finally {
      this.onChange();
    }
  }

  /** Forgets ended entries with this name, and the oldest of too many. Returns their ids. */
  #forgetDead(name: string): string[] {
    const dead = [...this.#held.values()].filter(({ stored }) => this.#stateOf(stored) !== "live");
    const gone = dead.filter(({ stored }, at) => stored.name === name || at < dead.length - deadTokensMax);
    const ids = gone.map(({ stored }) => stored.id);
    for (const id of ids) {
      this.#held.delete(id);
      this.#guesses.forget(id);
    }
    return ids;
  }

  /** The live entry of that name, or one whose end is not on disk. */
  #named(name: string): Held | null {
    const isMeant = (held: Held) => this.#stateOf(held.stored) === "live" || this.#unsaved.has(held);
    return [...this.#held.values()].find((held) => held.stored.name === name && isMeant(held)) ?? null;
  }

  #live(kind: StoredToken["kind"]): Held[] {
    return [...this.#held.values()].filter(({ stored }) => stored.kind === kind && this.#stateOf(stored) === "live");
  }

  #stateOf({ expires, revoked }: StoredToken): TokenView["state"] {
    if (revoked !== null) return "revoked";
    return expires !== null && expires <= this.#ports.clock.now() ? "expired" : "live";
  }

  #toView(stored: StoredToken): TokenView {
    const { kind, name, scope, created, expires, used } = stored;
    return { kind, name, scope, state: this.#stateOf(stored), created, expires, used };
  }
}

const hints = {
  token: "make a new one: nerve token create",
  session: "open the dashboard anew: nerve dashboard",
} as const;

function unknown(kind: StoredToken["kind"]): NerveError {
  return new NerveError("ACCESS_UNKNOWN", `there is no such ${kind}`, { hint: hints[kind] });
}

function toRow(type: LogType, name: string | null, payload: NewLogRow["payload"] = {}): NewLogRow {
  return { source: "kernel", type, refId: name, causeId: null, payload };
}
