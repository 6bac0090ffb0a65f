/**
 * The route of the event stream: rows of the log as server-sent events, as they are written to disk. An event's id is
 * the row's id, its name the row's type, its data the row as JSON. `Last-Event-ID` resumes after that row.
 */
import { Hono } from "hono";
import { describeRoute, resolver } from "hono-openapi";
import { streamSSE } from "hono/streaming";
import * as z from "zod";
import { NerveError } from "../../base/errors.ts";
import { eventHeartbeatMs, sseClientsMax } from "../../base/limits.ts";
import type { CancelTimer } from "../../base/time.ts";
import { logRowSchema } from "../../protocol/log.ts";
import { sourceForms } from "../../protocol/log_source.ts";
import { openEventStream, type StreamPart } from "../event_stream.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeProblems, validatePart } from "../problem_response.ts";
import { countSchema, dropUndefined } from "./query.ts";

const eventQuery = z.object({
  source: z.string().optional().meta({
    description: sourceForms,
  }),
  type: z.string().optional().meta({ description: "For example sense.signal or run.completed" }),
  refId: z.string().optional().meta({ description: "A run id, or the name of a sense or group" }),
  afterId: countSchema.optional().meta({
    description: "The same as Last-Event-ID, for clients that cannot set headers",
  }),
});

const description = {
  summary: "Stream events as they happen",
  description:
    "Rows of the log as server-sent events: signals, changes of runs and groups, and everything else in the log. " +
    "The id of an event is that of its row, its name the row's type. Last-Event-ID resumes after a row, with no row " +
    "missing or repeated; an event named gap stands for rows that are no longer in the log: archived, or of the data that a restore replaced.",
  parameters: [{
    in: "header" as const,
    name: "Last-Event-ID",
    description: "The last row that the client has",
    schema: { type: "integer" as const, minimum: 0 },
  }],
  responses: {
    200: {
      description: "Events until either side closes the stream; the data of each is a row",
      content: { "text/event-stream": { schema: resolver(logRowSchema) } },
    },
    ...describeProblems(400, 503),
  },
};

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function eventRoutes(view: KernelPort) {
  let clients = 0;
  return new Hono<ControlEnv>().get("/events", describeRoute(description), validatePart("query", eventQuery), (c) => {
    // Hono answers HEAD with the handler of GET; the stream would never end.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
    const { afterId = null, ...filter } = dropUndefined(c.req.valid("query"));
    const lastId = parseLastEventId(c.req.header("last-event-id")) ?? afterId;
    if (clients >= sseClientsMax) {
      throw new NerveError("CLIENTS_MANY", `${clients} clients already read events`, { hint: "close one of them" });
    }
    const stream = openEventStream(view, filter, lastId), { stopping, clock } = c.env;
    clients++;
    return streamSSE(c, async (out) => {
      let cancel: CancelTimer = () => {};
      const beat = () => {
        void out.write(": here\n\n");
        cancel = clock.after(eventHeartbeatMs, beat);
      };
      const close = () => stream.close();
      out.onAbort(close);
      stopping.addEventListener("abort", close, { once: true });
      if (stopping.aborted) close();
      try {
        // An id without data is not an event, but from now on the client resumes from it.
        await out.write(`retry: 1000\nid: ${stream.from}\n\n`);
        cancel = clock.after(eventHeartbeatMs, beat);
        const together = new Together(out);
        for await (const item of stream) {
          if (stopping.aborted || out.aborted) break;
          await together.write(formatItem(item));
        }
        await together.end();
      } finally {
        clients--;
        cancel();
        close();
        stopping.removeEventListener("abort", close);
      }
    });
  });
}

/** The most that waits for a slow reader, in characters or bytes. */
const togetherMax = 64 * 1024;

/** Writes the events of one turn of the event loop at once: a commit often has many rows, and each write has a cost. */
class Together {
  readonly #out: { write(text: string | Uint8Array): Promise<unknown> };
  #events: (string | Uint8Array)[] = [];
  #size = 0;
  #sending: Promise<void> | null = null;

  constructor(out: { write(text: string | Uint8Array): Promise<unknown> }) {
    this.#out = out;
  }

  /** Waits if the reader is slow. */
  async write(event: string | Uint8Array): Promise<void> {
    this.#events.push(event);
    this.#size += event.length;
    this.#sending ??= this.#send();
    if (this.#size >= togetherMax) await this.#sending;
  }

  async end(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    while (this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      this.#size = 0;
      await this.#out.write(join(events));
    }
    this.#sending = null;
  }
}

function join(events: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (events.every((event) => typeof event === "string")) return events.join("");
  const parts = events.map((event) => typeof event === "string" ? new TextEncoder().encode(event) : event);
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function formatItem(item: StreamPart): string | Uint8Array {
  if (item.kind === "gap") return `event: gap\ndata: ${JSON.stringify(item.gap)}\n\n`;
  const { id, type, json } = item.row, head = `id: ${id}\nevent: ${type}\ndata: `;
  if (typeof json === "string") return `${head}${json}\n\n`;
  const start = new TextEncoder().encode(head), event = new Uint8Array(start.length + json.length + 2);
  event.set(start);
  event.set(json, start.length);
  return event.fill(newLine, start.length + json.length);
}

const newLine = "\n".charCodeAt(0);

/** Null when the header is missing, or is from another server, which a browser may send. */
function parseLastEventId(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
