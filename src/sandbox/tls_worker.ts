/**
 * Shows the certificates of servers to code in the sandbox, by node:tls, and sends its e-mail (mail.ts). This thread is
 * started by host_services.ts, with no permission for the network but the unit's hosts. In the thread of user code, a
 * replaced prototype would expose sockets of node:net, which reach any file descriptor of the process.
 * I1. Nothing is sent to a server before its certificate was compared with the one that the request names.
 */
import { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect, rootCertificates, type TLSSocket } from "node:tls";
import {
  exchangeMaxChars,
  type HostAnswer,
  type MailAnswer,
  type MailRequest,
  type TlsAnswer,
  type TlsRequest,
} from "../protocol/host_request.ts";

interface Shown {
  readonly raw: Uint8Array;
  readonly fingerprint256: string;
  readonly issuerCertificate?: Shown;
}

const closedEarly = "the server closed the connection during the TLS handshake";
/** More than any server needs to send. */
const certificatesMax = 32;

const open = new Map<number, Socket>();

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  if (port === undefined) throw new Error("nerve bug: the TLS thread was started without its port");
  port.onmessage = ({ data }: MessageEvent<TlsRequest | MailRequest | { t: "cancel"; id: number }>) => {
    if (data.t === "cancel") open.get(data.id)?.destroy(new Error("it was given up"));
    else answer(data).then((answer) => port.postMessage(answer));
  };
}, { once: true });

async function answer(request: TlsRequest | MailRequest): Promise<HostAnswer> {
  const { id } = request;
  try {
    return { id, ok: true, value: await (request.t === "tls" ? inspect(request) : send(request)) };
  } catch (thrown) {
    const { name, message } = thrown instanceof Error ? thrown : new Error(String(thrown));
    // The error of node:dns for a name that is not granted.
    if (/getaddrinfo EPERM/.test(message)) {
      const missing = `Requires net access to "${request.host}:${request.port}"`;
      return { id, ok: false, name: "NotCapable", message: missing };
    }
    return { id, ok: false, name, message };
  } finally {
    open.get(id)?.destroy();
    open.delete(id);
  }
}

/** Loads the SMTP library with the first e-mail: it takes 10 MiB. */
async function send(request: MailRequest): Promise<MailAnswer> {
  const { sendByServer } = await import("./mail.ts");
  return await sendByServer(request, (socket) => open.set(request.id, socket));
}

async function inspect({ id, host, port, send }: TlsRequest): Promise<TlsAnswer> {
  const { promise: secured, resolve, reject } = Promise.withResolvers<void>();
  const servername = isIP(host) === 0 ? host : "";
  const socket = connect({ host, port, servername, rejectUnauthorized: false }, resolve);
  open.set(id, socket);
  // Kept for the whole life of the socket: an unhandled error event would end the thread.
  socket.on("error", (thrown: Error) => reject(explain(thrown)));
  socket.on("close", () => reject(new Error(closedEarly)));
  await secured;
  const chain = readChain(socket);
  const own = chain[0]?.fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    chain: chain.map(({ raw }) => toBase64(raw)),
    roots: findRoots(chain),
    protocol: socket.getProtocol(),
    answer: send !== null && send.onlyTo === own ? await exchange(socket, send.text) : null,
  };
}

/** Replaces messages of the TLS library with what they mean for the user. */
function explain(thrown: Error): Error {
  if (/corrupt message|wrong version number/.test(thrown.message)) return new Error("the server does not speak TLS");
  return /disconnected before secure|socket hang up/.test(thrown.message) ? new Error(closedEarly) : thrown;
}

/** The chain as the server sent it: Deno links each certificate to the next one of the list. */
function readChain(socket: TLSSocket): Shown[] {
  const chain: Shown[] = [];
  let next = socket.getPeerCertificate(true) as unknown as Shown | undefined;
  while (next?.raw !== undefined && !chain.includes(next) && chain.length < certificatesMax) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  if (chain.length === 0) throw new Error("the server shows no certificate");
  return chain;
}

let rootsBySubject: Map<string, string[]> | null = null;

function findRoots(chain: readonly Shown[]): string[] {
  rootsBySubject ??= readRoots();
  const issuers = new Set(chain.map(({ raw }) => parse(raw)?.issuer));
  return [...issuers].flatMap((issuer) => rootsBySubject?.get(issuer ?? "") ?? []);
}

function readRoots(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const pem of rootCertificates) {
    const root = parse(pem);
    if (root === null) continue;
    found.set(root.subject, [...found.get(root.subject) ?? [], toBase64(root.raw)]);
  }
  return found;
}

/** Null for bytes that are not a certificate: the caller finds out when it parses them. */
function parse(bytes: Uint8Array | string): X509Certificate | null {
  try {
    return new X509Certificate(bytes);
  } catch {
    return null;
  }
}

function toBase64(bytes: Uint8Array): string {
  return new Uint8Array(bytes).toBase64();
}

/** Sends `text` and returns what comes back, up to the end of HTTP headers. */
function exchange(socket: TLSSocket, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = "";
  socket.on("error", reject);
  socket.on("close", () => resolve(answer));
  socket.on("data", (bytes: Uint8Array) => {
    answer += new TextDecoder("latin1").decode(bytes);
    const end = answer.indexOf("\r\n\r\n");
    if (end >= 0 || answer.length > exchangeMaxChars) resolve(answer.slice(0, end < 0 ? exchangeMaxChars : end));
  });
  socket.write(text);
  return promise;
}
