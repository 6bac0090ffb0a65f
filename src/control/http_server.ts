/**
 * Answers a request of node:http with a function from Request to Response, such as a Hono app. Used by unix_server.ts
 * and tcp_server.ts.
 * I1. An answer is produced only as fast as its client reads it. A client that reads nothing for `answerStallMs` is
 *     disconnected.
 * I2. Once there is an answer, nothing more of the request is kept: a refused client cannot fill the memory.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerStallMs, requestBodyMaxBytes } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { product } from "../base/version.ts";

/** Types of answers that are in memory as a whole; all others may be streams. */
const wholeType = /^application\/(problem\+)?json\b/;

export interface AnswerPorts {
  /** `gone` aborts when the client disconnects before it has the whole answer. */
  fetch(request: Request, gone: AbortSignal): Response | Promise<Response>;
  readonly clock: Clock;
  /** Called with errors outside of any route. */
  readonly report: (thrown: unknown) => void;
}

/** Resolves when the answer is written or its client has disconnected. Never rejects. */
export async function answerRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { fetch, clock, report }: AnswerPorts,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  // `gone` reports that the client has disconnected. Without a listener, the error would end the process.
  incoming.on("error", () => {});
  outgoing.on("error", () => {});
  try {
    const { request, drop } = toRequest(incoming);
    const response = request === null ? new Response(null, { status: 400 }) : await fetch(request, gone.signal);
    drop();
    await send(response, outgoing, clock);
  } catch (thrown) {
    if (!gone.signal.aborted) report(thrown);
    if (!outgoing.headersSent) outgoing.writeHead(500);
    else outgoing.destroy();
  } finally {
    outgoing.end();
  }
}

interface Received {
  /** Null when the target or a header is not valid for a Request, or there are two host headers (RFC 9112, 3.2). */
  readonly request: Request | null;
  /** Discards what has arrived of the body, and what still comes. */
  readonly drop: () => void;
}

function toRequest(incoming: IncomingMessage): Received {
  const { method = "GET", url = "/", headers } = incoming;
  if (countHosts(incoming.rawHeaders) > 1) return { request: null, drop: () => {} };
  try {
    // RFC 9112, 6.3: without either header there is no body. Creating an empty one would take a tenth of the time of a
    // trigger.
    const empty = method === "GET" || method === "HEAD" ||
      headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0;
    if (empty) incoming.resume();
    const { body, drop } = empty ? { body: null, drop: () => {} } : createBody(incoming);
    const request = new Request(url.startsWith("/") ? `http://localhost${url}` : url, {
      method,
      headers: headers as Record<string, string>,
      body,
    });
    return { request, drop };
  } catch (thrown) {
    if (thrown instanceof TypeError) return { request: null, drop: () => {} };
    throw thrown;
  }
}

/** `headers` has only the first host header; a proxy in front may have used the other. */
function countHosts(raw: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < raw.length; at += 2) if (raw[at]?.length === 4 && raw[at]?.toLowerCase() === "host") count++;
  return count;
}

/**
 * Streams the body as it arrives. It is read from the connection even if no route reads it, so that the end of the
 * request is known. If a body is too large, only enough of it is kept to detect that.
 */
function createBody(incoming: IncomingMessage): { body: ReadableStream<Uint8Array<ArrayBuffer>>; drop: () => void } {
  let kept = 0, open = true, drop = () => {};
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const end = (close: () => void) => {
        if (!open) return;
        open = false;
        close();
      };
      // An error empties the queue; closing would keep the unread parts.
      drop = () => end(() => controller.error(new DOMException("the request has been answered", "AbortError")));
      incoming.on("data", (chunk: Uint8Array) => {
        if (!open || kept > requestBodyMaxBytes) return;
        kept += chunk.length;
        controller.enqueue(new Uint8Array(chunk));
      });
      incoming.once("end", () => end(() => controller.close()));
      incoming.once("close", () => {
        if (incoming.complete) return;
        end(() => controller.error(new DOMException("the client has disconnected", "AbortError")));
      });
    },
    cancel() {
      open = false;
    },
  });
  return { body, drop };
}

async function send(response: Response, outgoing: ServerResponse, clock: Clock): Promise<void> {
  const headers: Record<string, string> = { server: product, ...Object.fromEntries(response.headers) };
  // A body that is bytes already is not decoded to text again.
  if (!wholeType.test(headers["content-type"] ?? "") || headers["content-length"] !== undefined) {
    outgoing.writeHead(response.status, headers);
    return await pipe(response.body, outgoing, clock);
  }
  // With content-length, head and body go out in one write instead of four, which halves the cost of a short answer.
  const text = await response.text(), length = Buffer.byteLength(text);
  // The answer to HEAD has no text, so its length is unknown.
  outgoing.writeHead(response.status, length === 0 ? headers : { ...headers, "content-length": length });
  if (length > 0 && !outgoing.write(text)) await waitForDrain(outgoing, clock);
}

/** Sends a stream as fast as its client reads it. */
async function pipe(body: Response["body"], outgoing: ServerResponse, clock: Clock): Promise<void> {
  if (body === null) return;
  // Sends the headers now, because the first part of a stream may come much later.
  outgoing.flushHeaders();
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  outgoing.once("close", cancel);
  try {
    if (outgoing.destroyed) return cancel();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (!outgoing.write(part.value)) await waitForDrain(outgoing, clock);
      if (outgoing.destroyed) return;
    }
  } finally {
    outgoing.off("close", cancel);
  }
}

/** Resolves when the client has read what was written, or has disconnected or been disconnected. */
function waitForDrain(outgoing: ServerResponse, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(answerStallMs, () => outgoing.destroy());
    const done = () => {
      cancel();
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
    if (outgoing.destroyed) done();
  });
}
