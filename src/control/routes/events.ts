/**
 * The route of the event stream: rows of the log as server-sent events, while they get on disk.
 * An event's id is its row's, its name the row's type, its data the row as JSON. `Last-Event-ID` goes on after that row.
 */
import { Hono } from "hono";
import { describeRoute, resolver } from "hono-openapi";
import { streamSSE } from "hono/streaming";
import * as z from "zod";
import { NerveError } from "../../base/errors.ts";
import { eventHeartbeatMs, sseClientsMax } from "../../base/limits.ts";
import type { CancelTimer } from "../../base/time.ts";
import { logRowSchema } from "../../protocol/log.ts";
import { openEventStream, type StreamItem } from "../event_stream.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeProblems, validatePart } from "../problem_response.ts";
import { countSchema, dropUndefined } from "./query.ts";

const eventQuery = z.object({
  source: z.string().optional().meta({ description: "kernel, group:NAME, sense:NAME or workflow:NAME" }),
  type: z.string().optional().meta({ description: "Such as sense.signal or run.completed" }),
  refId: z.string().optional().meta({ description: "A run id, or the name of a sense or group" }),
  afterId: countSchema.optional().meta({ description: "As Last-Event-ID, for clients that cannot set it" }),
});

const description = {
  summary: "What happens, as it happens",
  description:
    "Rows of the log as server-sent events: signals, changes of runs and groups, and all else that the log " +
    "holds. The id of an event is that of its row, its name the row's type. Last-Event-ID resumes after a row, " +
    "without a gap and without a repetition; an event named gap tells of rows that have left the log for its archive.",
  parameters: [{
    in: "header" as const,
    name: "Last-Event-ID",
    description: "The last row that the client has",
    schema: { type: "integer" as const, minimum: 0 },
  }],
  responses: {
    200: {
      description: "Events until either side ends it; the data of each is a row",
      content: { "text/event-stream": { schema: resolver(logRowSchema) } },
    },
    ...describeProblems(400, 503),
  },
};

// Hono's typed client is made of the inferred type; it cannot be written out.
export function eventRoutes(view: KernelPort) {
  let clients = 0;
  return new Hono<ControlEnv>().get("/events", describeRoute(description), validatePart("query", eventQuery), (c) => {
    const { afterId = null, ...filter } = dropUndefined(c.req.valid("query"));
    const lastId = lastEventId(c.req.header("last-event-id")) ?? afterId;
    if (clients >= sseClientsMax) {
      throw new NerveError("CLIENTS_MANY", `${clients} clients read events already`, { hint: "Close one of them" });
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
        // An id without data is no event, but from now on what the client resumes from.
        await out.write(`retry: 1000\nid: ${stream.from}\n\n`);
        cancel = clock.after(eventHeartbeatMs, beat);
        for await (const item of stream) {
          if (stopping.aborted || out.aborted) break;
          await out.write(textOf(item));
        }
      } finally {
        clients--;
        cancel();
        close();
        stopping.removeEventListener("abort", close);
      }
    });
  });
}

function textOf(item: StreamItem): string {
  if (item.kind === "gap") return `event: gap\ndata: ${JSON.stringify(item.gap)}\n\n`;
  return `id: ${item.row.id}\nevent: ${item.row.type}\ndata: ${JSON.stringify(item.row)}\n\n`;
}

/** Null: there is none, or none of ours, which a browser may send after a restart of something else. */
function lastEventId(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : null;
}
