/** Sends a notice by e-mail. Used by index.ts. */
import { type LogFunction, type MailServer, pause, sendMail } from "nerve";
import { clipText, type Notice } from "./notice.ts";
import type { Settings } from "./settings.ts";

export interface Mailed {
  readonly response: string;
  readonly attempt: number;
}

const subjectMaxChars = 200, textMaxChars = 100_000, delayMaxMs = 60_000;
const securities: Readonly<Record<string, MailServer["security"]>> = {
  "smtps:": "tls",
  "smtp:": "starttls",
  "smtp-plain:": "none",
};
const usualPorts = { tls: 465, starttls: 587, none: 25 };

/** Throws when the server refuses the mail for good (5xx), or attempts run out. */
export async function mailNotice(
  notice: Notice,
  settings: Settings,
  signal: AbortSignal,
  log: LogFunction,
): Promise<Mailed> {
  const { attempts, timeout, retry_delay, shown } = settings,
    server = await toServer(settings),
    mail = toMail(notice, settings);
  for (let attempt = 1;; attempt++) {
    const tried = await tryOnce(() => sendMail(server, mail, AbortSignal.any([signal, AbortSignal.timeout(timeout)])));
    signal.throwIfAborted();
    if (tried.refused === null) return { response: tried.response, attempt };
    if (tried.refused >= 500) throw new Error(`${shown} refused it: ${tried.response}`);
    if (attempt >= attempts) throw new Error(`${shown} took none of ${attempts} attempts: ${tried.response}`);
    const delayMs = Math.min(delayMaxMs, retry_delay * 2 ** (attempt - 1));
    log("warn", `attempt ${attempt} failed: ${tried.response}`, { attempt, delayMs });
    await pause(delayMs, signal);
  }
}

async function tryOnce(send: () => ReturnType<typeof sendMail>): ReturnType<typeof sendMail> {
  try {
    return await send();
  } catch (thrown) {
    // Retrying does not help against a missing permission, nor against a wrong address.
    if (thrown instanceof Deno.errors.NotCapable || thrown instanceof TypeError) throw thrown;
    return { response: thrown instanceof Error ? thrown.message : String(thrown), refused: 0 };
  }
}

async function toServer({ url, user, secret, ca_file }: Settings): Promise<MailServer> {
  const { protocol, hostname, port } = new URL(url ?? ""), security = securities[protocol];
  if (security === undefined || hostname === "") {
    throw new TypeError("config.url of mail must be such as smtps://mail.example.com, or smtp:// for STARTTLS");
  }
  if ((user === null) !== (secret === null)) throw new TypeError("config.user and config.secret_env belong together");
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? usualPorts[security] : Number(port),
    security,
    ca: ca_file === null ? null : await Deno.readTextFile(ca_file),
    login: user === null || secret === null ? null : { user, password: secret },
  };
}

function toMail({ title, text, state, incident, key, start }: Notice, { from, to }: Settings) {
  if (from === null) throw new TypeError("config.from must be the address of the sender");
  if (to.length === 0) throw new TypeError("config.to must name at least one address");
  const domain = from.slice(from.lastIndexOf("@") + 1).replace(/>.*$/, ""), id = key.replaceAll(/[^\w.-]/g, ".");
  const subject = `${state === "resolved" ? "Resolved: " : state === "still" ? "Still: " : ""}${title}`;
  const payload = start.payload === null ? "" : `\n\n${JSON.stringify(start.payload, null, 2)}`;
  return {
    from,
    to,
    subject: clipText(subject, subjectMaxChars),
    text: clipText(`${text}${payload}\n\n-- \nnerve, run ${start.runId}\n`, textMaxChars),
    // The same at every attempt, so that a repeat shows as one mail; mails with the same reference form a thread.
    messageId: `<${id}@${domain}>`,
    references: incident === null ? null : `<${incident}@${domain}>`,
  };
}
