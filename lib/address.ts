/**
 * Addresses of the form `host:port`, as they stand in nerve.yaml. Imported by the senses tls-expiry, port-check and
 * dns-answers.
 */

export interface Address {
  /** As written. */
  readonly text: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `host:port`, or `host` alone when there is a default port; an IPv6 address is written in brackets.
 * Throws a TypeError that names the wrong text.
 */
export function parseAddress(text: string, defaultPort: number | null = null): Address {
  const found = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const host = found?.v6 ?? found?.name, port = found?.port === undefined ? defaultPort : Number(found.port);
  if (host === undefined || port === null || port < 1 || port > 65_535) {
    const form = defaultPort === null ? "host:port" : "host or host:port";
    throw new TypeError(`"${text.slice(0, 100)}" is not an address: write ${form}, with an IPv6 host in brackets`);
  }
  return { text, host, port };
}
