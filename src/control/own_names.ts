/**
 * Decides whether a request may be answered at all: by the host name that it used, and by the page that sent it. Pure.
 * Used by listener_app.ts.
 * I1. A page of another site, or of another port of this machine, achieves nothing. Such a page reaches the listener's
 *     address through a name that its owner points there, or sends requests from another origin, with this origin's
 *     cookies.
 */
import { NerveError } from "../base/errors.ts";

/** Headers with names in lower case, as node:http has them. */
export type RequestHeaders = Readonly<Record<string, string>>;

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

export class OwnNames {
  readonly #names: ReadonlySet<string>;
  /** The names of a proxy, whose origin has a port that the listener does not see. */
  readonly #proxied: ReadonlySet<string>;

  /** `address`: the listener's host; `hosts`: the other names in nerve.yaml; both in lower case. */
  constructor(address: string, hosts: readonly string[]) {
    this.#names = new Set([...loopbackNames, address, ...hosts]);
    this.#proxied = new Set(hosts);
  }

  /** Why the request is refused; null when it is answered. `opens`: it asks for a page that any link may open. */
  findFault(headers: RequestHeaders, opens: boolean): NerveError | null {
    const { host = "", origin, "sec-fetch-site": site } = headers, name = nameOf(host);
    if (!this.#names.has(name)) {
      return new NerveError("HOST_REFUSED", `the listener does not answer under the name ${quoteShort(name)}`);
    }
    if (origin !== undefined && !this.#isOwn(origin, host)) return refuseOrigin(quoteShort(origin));
    const isForeign = site === "cross-site" || site === "same-site";
    if (!isForeign || opens && isNavigation(headers)) return null;
    return refuseOrigin(site === "cross-site" ? "another site" : "another port or name of this site");
  }

  #isOwn(origin: string, host: string): boolean {
    const authority = origin.toLowerCase().replace(/^https?:\/\//, "");
    if (authority === host.toLowerCase()) return true;
    // Behind a proxy with TLS. Without TLS, browsers do not distinguish a page on another port of that name from ours.
    return origin.toLowerCase().startsWith("https://") && this.#proxied.has(nameOf(authority));
  }
}

/** Whether the browser reports that a page of the listener itself sent the request. */
export function isSameOrigin(headers: RequestHeaders): boolean {
  // `findFault` has checked its value.
  return headers["origin"] !== undefined || headers["sec-fetch-site"] === "same-origin";
}

function isNavigation({ "sec-fetch-mode": mode, "sec-fetch-dest": dest }: RequestHeaders): boolean {
  return mode === "navigate" && dest === "document";
}

/** The host without its port, because a proxy has a different one. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function refuseOrigin(of: string): NerveError {
  return new NerveError("ORIGIN_REFUSED", `the listener does not answer a page of ${of}`);
}

function quoteShort(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
