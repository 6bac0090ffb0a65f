/**
 * `inspectTls`: the certificates that a server shows. Authors import it from "nerve": node:tls is closed in the sandbox,
 * since its sockets reach any file descriptor of the process, and Deno's own TLS does not show them.
 */
import type { TlsAnswer } from "../protocol/host_request.ts";
import { askHost } from "./host.ts";

export type { TlsAnswer };

/**
 * Connects to a server that `permissions.net` names and returns the certificates that it shows, whether they can be
 * trusted or not: nothing is verified. `send` is sent to the server if its own certificate has the fingerprint `onlyTo`
 * (SHA-256 in lowercase hex); then `answer` is what it answers, up to the end of HTTP headers and at most 16 KiB.
 * Throws when it cannot connect, when `signal` aborts, or when the server does not speak TLS 1.2 or 1.3.
 * @example
 * ```ts
 * const { chain } = await inspectTls({ host: "example.com", port: 443 }, signal);
 * ```
 */
export function inspectTls(
  { host, port, send = null }: {
    readonly host: string;
    readonly port: number;
    readonly send?: { readonly onlyTo: string; readonly text: string } | null;
  },
  signal: AbortSignal,
): Promise<TlsAnswer> {
  return askHost({ t: "tls", host, port, send }, signal) as Promise<TlsAnswer>;
}
