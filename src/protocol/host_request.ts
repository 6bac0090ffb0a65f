/**
 * What code in the sandbox asks of the trusted threads beside it (sandbox/host_services.ts), because Deno has no
 * permission for just that: a file below /proc or /sys, and the certificates that a server shows. The SDK's functions
 * send these requests; what user code sends in their place may do no more. Parsed by hand: the shim is small.
 */

/** The longest text that is sent to a server, and the most bytes of its answer. */
export const exchangeMaxChars = 16_384;

export type HostRequest =
  | { readonly t: "file" | "folder"; readonly id: number; readonly path: string }
  | TlsRequest
  | { readonly t: "cancel"; readonly id: number };

export interface TlsRequest {
  readonly t: "tls";
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** Sent if the server's own certificate is this one (SHA-256 in lowercase hex), whoever has signed it. */
  readonly send: { readonly onlyTo: string; readonly text: string } | null;
}

/** Certificates in DER, as base64. */
export interface TlsAnswer {
  /** As sent, the server's own first. */
  readonly chain: readonly string[];
  /** The roots that Deno trusts and that bear the name of the issuer of one of them. */
  readonly roots: readonly string[];
  /** Such as `TLSv1.3`. */
  readonly protocol: string | null;
  /** What the server answered to `send`, up to the end of the headers; null when nothing was sent. */
  readonly answer: string | null;
}

export type HostAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly name: string; readonly message: string };

/** Null when it is no request. */
export function parseHostRequest(data: unknown): HostRequest | null {
  const { t, id, path, host, port, send } = Object(data);
  if (!Number.isSafeInteger(id)) return null;
  if (t === "cancel") return { t, id };
  if (t === "file" || t === "folder") return isText(path, 1, 4_096) ? { t, id, path } : null;
  if (t !== "tls" || !isText(host, 1, 255) || !Number.isInteger(port) || port < 1 || port > 65_535) return null;
  if (send === null) return { t, id, host, port, send };
  const { onlyTo, text } = Object(send);
  if (!isText(onlyTo, 64, 64) || !isText(text, 0, exchangeMaxChars)) return null;
  return { t, id, host, port, send: { onlyTo, text } };
}

function isText(value: unknown, min: number, max: number): value is string {
  return typeof value === "string" && value.length >= min && value.length <= max;
}
