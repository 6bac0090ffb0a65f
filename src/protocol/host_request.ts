/**
 * Requests of sandboxed code to the trusted threads beside it (sandbox/host_services.ts), for what no Deno permission
 * covers: files below /proc or /sys, a server's certificates, and mail. The SDK's functions send them; forged requests
 * of user code can do no more. Parsed by hand, to keep the shim small.
 */

/** The longest text that is sent to a server, and the most bytes of its answer. */
export const exchangeMaxChars = 16_384;

export type HostRequest =
  | { readonly t: "file" | "folder"; readonly id: number; readonly path: string }
  | TlsRequest
  | MailRequest
  | { readonly t: "cancel"; readonly id: number };

export interface TlsRequest {
  readonly t: "tls";
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /**
   * Sent only if the server's own certificate has this fingerprint (SHA-256 in lowercase hex), no matter who signed it.
   */
  readonly send: { readonly onlyTo: string; readonly text: string } | null;
}

export interface MailText {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** The form is `<unique@host>`. */
  readonly messageId: string;
  /** The `messageId` of the mail that this one replies to. */
  readonly references: string | null;
}

export interface MailRequest {
  readonly t: "mail";
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  /** Trusted certificates in PEM; null: the certificates that Deno trusts. */
  readonly ca: string | null;
  readonly login: { readonly user: string; readonly password: string } | null;
  readonly mail: MailText;
}

/** The server's last response; if it refused the mail, also the step. */
export interface MailAnswer {
  readonly response: string;
  /** The code of the refusal: 4xx temporary, 5xx permanent; null: the server accepted the mail. */
  readonly refused: number | null;
}

/** Certificates in DER, as base64. */
export interface TlsAnswer {
  /** The chain as sent, the server's own certificate first. */
  readonly chain: readonly string[];
  /** Roots that Deno trusts and whose name is the issuer of a certificate in `chain`. */
  readonly roots: readonly string[];
  /** The protocol version, such as `TLSv1.3`. */
  readonly protocol: string | null;
  /** The server's response to `send`, up to the end of the headers; null when nothing was sent. */
  readonly answer: string | null;
}

export type HostAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly name: string; readonly message: string };

/** Null when `data` is not a valid request. */
export function parseHostRequest(data: unknown): HostRequest | null {
  const { t, id, path, host, port, send } = Object(data), isPort = Number.isInteger(port) && port > 0 && port <= 65_535;
  if (!Number.isSafeInteger(id)) return null;
  if (t === "cancel") return { t, id };
  if (t === "file" || t === "folder") return isText(path, 1, 4_096) ? { t, id, path } : null;
  if (!isText(host, 1, 255) || !isPort) return null;
  if (t === "mail") return parseMail(id, host, port, Object(data));
  if (t !== "tls") return null;
  if (send === null) return { t, id, host, port, send };
  const { onlyTo, text } = Object(send);
  if (!isText(onlyTo, 64, 64) || !isText(text, 0, exchangeMaxChars)) return null;
  return { t, id, host, port, send: { onlyTo, text } };
}

const recipientsMax = 100, mailMaxChars = 256 * 1024;

function parseMail(id: number, host: string, port: number, data: Record<string, unknown>): MailRequest | null {
  const { security, ca } = data, { user, password } = Object(data.login);
  const { from, to, subject, text, messageId, references } = Object(data.mail);
  if (security !== "tls" && security !== "starttls" && security !== "none") return null;
  if (ca !== null && !isText(ca, 1, 64 * 1024)) return null;
  if (data.login !== null && !(isText(user, 1, 1_000) && isText(password, 0, 1_000))) return null;
  if (!Array.isArray(to) || to.length === 0 || to.length > recipientsMax) return null;
  if (!to.every((each) => isText(each, 3, 320)) || !isText(from, 3, 320)) return null;
  if (!isText(subject, 0, 1_000) || !isText(text, 0, mailMaxChars) || !isText(messageId, 3, 255)) return null;
  if (references !== null && !isText(references, 3, 255)) return null;
  const login = data.login === null ? null : { user, password };
  return { t: "mail", id, host, port, security, ca, login, mail: { from, to, subject, text, messageId, references } };
}

function isText(value: unknown, min: number, max: number): value is string {
  return typeof value === "string" && value.length >= min && value.length <= max;
}
