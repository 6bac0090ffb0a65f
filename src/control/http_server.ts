/**
 * One request of node:http answered by a function of Request to Response, as Hono is. Used by unix_server.ts.
 * I1. No more of an answer is made than its client takes; one that takes nothing for `answerStallMs` is cut.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerStallMs, requestBodyMaxBytes } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { product } from "../base/version.ts";

/** Answers that are in memory as a whole; all others may be made while they are sent. */
const wholeType = /^application\/(problem\+)?json\b/;

export interface AnswerPorts {
  /** `gone` aborts when the client has gone before it had its whole answer. */
  fetch(request: Request, gone: AbortSignal): Response | Promise<Response>;
  readonly clock: Clock;
  /** Gets what went wrong outside of any route. */
  readonly report: (thrown: unknown) => void;
}

/** Resolves when the answer is written or its client has gone. Never rejects. */
export async function answerRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { fetch, clock, report }: AnswerPorts,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  // A client that breaks off is heard of through `gone`; without a listener its error would end the process.
  incoming.on("error", () => {});
  outgoing.on("error", () => {});
  try {
    const request = toRequest(incoming);
    const response = request === null ? new Response(null, { status: 400 }) : await fetch(request, gone.signal);
    await send(response, outgoing, clock);
  } catch (thrown) {
    if (!gone.signal.aborted) report(thrown);
    if (!outgoing.headersSent) outgoing.writeHead(500);
    else outgoing.destroy();
  } finally {
    outgoing.end();
  }
}

/** Null when its target or a header is nothing that a Request may have. */
function toRequest(incoming: IncomingMessage): Request | null {
  const { method = "GET", url = "/", headers } = incoming;
  try {
    // RFC 9112, 6.3: without either header there is no body. To make one of nothing costs a trigger a tenth of its time.
    const empty = method === "GET" || method === "HEAD" ||
      headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0;
    if (empty) incoming.resume();
    return new Request(url.startsWith("/") ? `http://localhost${url}` : url, {
      method,
      headers: headers as Record<string, string>,
      body: empty ? null : bodyOf(incoming),
    });
  } catch (thrown) {
    if (thrown instanceof TypeError) return null;
    throw thrown;
  }
}

/**
 * The body as it comes. It is taken from the connection whether anybody reads it or not, so that the end of a request is
 * known; of one that is too large no more is kept than shows it.
 */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  let kept = 0, open = true;
  return new ReadableStream({
    start(controller) {
      incoming.on("data", (chunk: Uint8Array) => {
        if (!open || kept > requestBodyMaxBytes) return;
        kept += chunk.length;
        controller.enqueue(new Uint8Array(chunk));
      });
      incoming.once("end", () => open && controller.close());
      incoming.once("close", () => {
        if (open && !incoming.complete) controller.error(new DOMException("The client has gone", "AbortError"));
      });
    },
    cancel() {
      open = false;
    },
  });
}

async function send(response: Response, outgoing: ServerResponse, clock: Clock): Promise<void> {
  const headers: Record<string, string> = { server: product, ...Object.fromEntries(response.headers) };
  if (!wholeType.test(headers["content-type"] ?? "")) {
    outgoing.writeHead(response.status, headers);
    return await pass(response.body, outgoing, clock);
  }
  // With its length told, head and body leave in one write instead of four: half of what a short answer costs.
  const text = await response.text(), length = Buffer.byteLength(text);
  // Of what HEAD asks for there is no text, and its length is not told.
  outgoing.writeHead(response.status, length === 0 ? headers : { ...headers, "content-length": length });
  if (length > 0 && !outgoing.write(text)) await taken(outgoing, clock);
}

/** Passes a stream on as fast as its client takes it. */
async function pass(body: Response["body"], outgoing: ServerResponse, clock: Clock): Promise<void> {
  if (body === null) return;
  // The headers of a stream that has nothing to say yet.
  outgoing.flushHeaders();
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  outgoing.once("close", leave);
  try {
    if (outgoing.destroyed) return leave();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (!outgoing.write(part.value)) await taken(outgoing, clock);
      if (outgoing.destroyed) return;
    }
  } finally {
    outgoing.off("close", leave);
  }
}

/** Resolves when the client has taken what was written, has gone, or was cut. */
function taken(outgoing: ServerResponse, clock: Clock): Promise<void> {
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
