/**
 * One-time links that open a session of the dashboard. Used by access_control.ts. They live in memory: a daemon that
 * ends loses them.
 * I1. A link opens one session: only its first use counts.
 */
import { linkMs, linksMax } from "../base/access_limits.ts";
import { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { SessionScope } from "../protocol/access.ts";
import { hashSecret, isSameHash, makeCredential, parseCredential } from "./credentials.ts";
import type { Guesses } from "./guesses.ts";

interface Link {
  readonly hash: string;
  readonly scope: SessionScope;
  readonly expires: number;
  used: boolean;
}

const hint = "make a new one: nerve dashboard";

export class LoginLinks {
  readonly #clock: Clock;
  readonly #guesses: Guesses;
  readonly #links = new Map<string, Link>();

  constructor(clock: Clock, guesses: Guesses) {
    this.#clock = clock;
    this.#guesses = guesses;
  }

  async make(scope: SessionScope): Promise<{ readonly text: string; readonly expires: number }> {
    const { id, text, hash } = await makeCredential(), expires = this.#clock.now() + linkMs;
    this.#forgetOld(linksMax - 1);
    this.#links.set(id, { hash, scope, expires, used: false });
    return { text, expires };
  }

  /** The scope of the session that the link opens. Throws LINK_USED, LINK_UNKNOWN, ACCESS_LIMITED. */
  async use(text: string): Promise<SessionScope> {
    const parsed = parseCredential(text);
    this.#forgetOld(linksMax);
    const link = this.#links.get(parsed?.id ?? "");
    if (parsed === null || link === undefined) {
      if (!this.#guesses.takeStranger()) throw limited();
      throw new NerveError("LINK_UNKNOWN", "the link has expired, or was never issued", { hint });
    }
    // I1. Nothing is awaited between the check and the mark.
    const isRight = isSameHash(await hashSecret(parsed.secret), link.hash);
    if (!isRight) {
      if (!this.#guesses.mayTry(parsed.id)) throw limited();
      this.#guesses.onWrong(parsed.id);
      throw new NerveError("LINK_UNKNOWN", "the link is incomplete, or was changed", { hint });
    }
    if (link.used) throw new NerveError("LINK_USED", "the link has been used", { hint });
    link.used = true;
    return link.scope;
  }

  #forgetOld(most: number): void {
    const now = this.#clock.now();
    for (const [id, { expires }] of this.#links) {
      if (expires > now && this.#links.size <= most) continue;
      this.#links.delete(id);
      this.#guesses.forget(id);
    }
  }
}

/** The error ACCESS_LIMITED. */
export function limited(): NerveError {
  return new NerveError("ACCESS_LIMITED", "too many wrong tokens, sessions or links were shown", {
    hint: "wait a minute",
  });
}
