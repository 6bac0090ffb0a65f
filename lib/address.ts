/**
 * Host names, and addresses of the form `host:port`, as nerve.yaml contains them. Imported by the senses tls-expiry,
 * port-check, dns-answers and ping.
 */
import { domainToASCII } from "node:url";
import { hideUserinfoOfInvalid } from "./url.ts";

export interface Address {
  /** As written. */
  readonly text: string;
  /** Without the brackets of an IPv6 address; a name is in ASCII, as nameservers and programs know it. */
  readonly host: string;
  readonly port: number;
}

/** `bücher.example` as `xn--bcher-kva.example`, as in a URL; text that is already ASCII is unchanged. */
export function toAsciiName(name: string): string {
  return /^[\x20-\x7e]*$/.test(name) ? name : domainToASCII(name) || name;
}

/**
 * Reads `host:port`, or `host` alone when there is a default port; an IPv6 address is written in brackets.
 * Throws a TypeError that names the wrong text.
 */
export function parseAddress(text: string, defaultPort: number | null = null): Address {
  const [, name = "", rest = ""] = /^([^:]*)(.*)$/s.exec(text) ?? [], inAscii = toAsciiName(name) + rest;
  const found = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/.exec(inAscii)?.groups;
  const host = found?.v6 ?? found?.name, port = found?.port === undefined ? defaultPort : Number(found.port);
  if (host === undefined || port === null || port < 1 || port > 65_535) {
    const form = defaultPort === null ? "host:port" : "host or host:port";
    throw new TypeError(
      `"${hideUserinfoOfInvalid(text).slice(0, 100)}" is not an address: write ${form}, with an IPv6 host in brackets`,
    );
  }
  return { text, host, port };
}
