/**
 * `inspectTls`: returns the certificates that a server presents. Authors import it from "nerve": node:tls is not
 * available in the sandbox, since its sockets reach any file descriptor of the process, and Deno's own TLS does not
 * expose certificates.
 */
import type { TlsAnswer } from "../protocol/host_request.ts";
import { askHost } from "./host.ts";

export type { TlsAnswer };

/**
 * Connects to a server that `permissions.net` names and returns the certificates that it presents. Nothing is verified:
 * they may be untrusted. `send.text` is sent only if the server's own certificate has the fingerprint `send.onlyTo`
 * (SHA-256 in lowercase hex); `answer` is then the response, up to the end of HTTP headers and at most 16 KiB. Rejects
 * when it cannot connect, when `signal` aborts, or when the server speaks neither TLS 1.2 nor 1.3.
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
