/** Sends one e-mail by SMTP, with nodemailer. Used by tls_worker.ts, in whose thread sockets of Node may be opened. */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { createTransport } from "nodemailer";
import type { MailAnswer, MailRequest } from "../protocol/host_request.ts";

/** How long a server may be silent. The caller limits the whole time. */
const silenceMaxMs = 60_000;

/** `onOpen` gets the socket: destroying it ends the attempt. Throws when the server gives no answer. */
export async function sendByServer(
  { host, port, security, ca, login, mail }: MailRequest,
  onOpen: (socket: Socket) => void,
): Promise<MailAnswer> {
  const { to, from, subject, text, messageId, references } = mail;
  const tls = { servername: isIP(host) === 0 ? host : "", ...ca === null ? {} : { ca } };
  const socket = security === "tls" ? connectTls({ host, port, ...tls }) : connectPlain({ host, port });
  onOpen(socket);
  await waitUntilConnected(socket, security === "tls" ? "secureConnect" : "connect");
  const transport = createTransport({
    ...{ host, port, connection: socket, secured: security === "tls", secure: security === "tls", tls },
    ...{ requireTLS: security === "starttls", ignoreTLS: security !== "starttls" },
    ...{ name: "nerve", disableFileAccess: true, disableUrlAccess: true },
    ...{ greetingTimeout: silenceMaxMs, socketTimeout: silenceMaxMs },
    ...login === null ? {} : { auth: { user: login.user, pass: login.password } },
  });
  try {
    const envelope = { from, to: [...to] }, threads = references === null ? {} : { inReplyTo: references, references };
    const { response } = await transport.sendMail({
      envelope,
      from,
      to: [...to],
      subject,
      text,
      messageId,
      ...threads,
    });
    return { response, refused: null };
  } catch (thrown) {
    const { responseCode: code, message } = Object(thrown);
    if (typeof code !== "number") throw thrown;
    // The message names the step that was refused, such as the login.
    return { response: String(message), refused: code };
  }
}

function waitUntilConnected(socket: Socket, event: "connect" | "secureConnect"): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once(event, () => resolve());
  // Kept for the whole life of the socket: an unhandled error event would end the thread.
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("the server closed the connection")));
  return promise;
}
