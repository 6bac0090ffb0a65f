/**
 * `sendMail`: sends an e-mail through an SMTP server. Authors import it from "nerve": SMTP libraries need node:net and
 * node:tls, which are not available in the sandbox.
 */
import type { MailAnswer, MailText } from "../protocol/host_request.ts";
import { askHost } from "./host.ts";

export type { MailAnswer, MailText };

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /**
   * When encryption starts: with the connection (`tls`, usually port 465), before the login (`starttls`, 587), or never
   * (`none`). Default: `starttls`.
   */
  readonly security?: "tls" | "starttls" | "none";
  /** Certificates in PEM that are trusted instead of the default ones. */
  readonly ca?: string | null;
  readonly login?: { readonly user: string; readonly password: string } | null;
}

/**
 * Sends an e-mail through a server that `permissions.net` names. Resolves with the server's response, even when the
 * server refused the mail: then `refused` is its code, 400 to 499 for a temporary failure, 500 and above for a
 * permanent one. Rejects when it cannot connect, when the server's certificate cannot be trusted, or when `signal`
 * aborts.
 * @example
 * ```ts
 * const server = { host: "mail.example.com", port: 587, login: { user: "nerve", password: Deno.env.get("MAIL") ?? "" } };
 * const mail = { from: "nerve@example.com", to: ["ada@example.com"], subject: "Hello", text: "It works." };
 * const { response, refused } = await sendMail(server, mail, signal);
 * ```
 */
export function sendMail(
  { host, port, security = "starttls", ca = null, login = null }: MailServer,
  { messageId, references = null, ...text }: Omit<MailText, "messageId" | "references"> & {
    /** The form is `<unique@host>`. Default: a new id. */
    readonly messageId?: string;
    /** The `messageId` of the mail that this one replies to. */
    readonly references?: string | null;
  },
  signal: AbortSignal,
): Promise<MailAnswer> {
  const mail = { ...text, messageId: messageId ?? `<${crypto.randomUUID()}@nerve>`, references };
  return askHost({ t: "mail", host, port, security, ca, login, mail }, signal) as Promise<MailAnswer>;
}
