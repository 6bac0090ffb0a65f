/**
 * `sendMail`: an e-mail by an SMTP server. Authors import it from "nerve": libraries that speak SMTP need node:net and
 * node:tls, which are closed in the sandbox.
 */
import type { MailAnswer, MailText } from "../protocol/host_request.ts";
import { askHost } from "./host.ts";

export type { MailAnswer, MailText };

export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** From the first byte (`tls`, the usual port is 465), before the login (`starttls`, 587), or never. Default: `starttls`. */
  readonly security?: "tls" | "starttls" | "none";
  /** Certificates in PEM that are trusted instead of the usual ones. */
  readonly ca?: string | null;
  readonly login?: { readonly user: string; readonly password: string } | null;
}

/**
 * Gives an e-mail to a server that `permissions.net` names. Resolves with what the server answered, also when it refused
 * the mail: then `refused` is its code, of 400 and more, and 500 and more if it will refuse it again. Throws when it cannot connect,
 * when the server's certificate cannot be trusted, or when `signal` aborts.
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
    /** `<unique@host>`; default: a new one. */
    readonly messageId?: string;
    /** The `messageId` of the mail that this one follows. */
    readonly references?: string | null;
  },
  signal: AbortSignal,
): Promise<MailAnswer> {
  const mail = { ...text, messageId: messageId ?? `<${crypto.randomUUID()}@nerve>`, references };
  return askHost({ t: "mail", host, port, security, ca, login, mail }, signal) as Promise<MailAnswer>;
}
