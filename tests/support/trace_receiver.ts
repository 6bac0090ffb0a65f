/** A receiver of OTLP over HTTP. */

interface ReceivedRequest {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export type ReceivedSpan = Readonly<Record<string, unknown>> & {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
};

export interface TraceReceiver extends AsyncDisposable {
  readonly url: string;
  readonly base: string;
  readonly requests: ReceivedRequest[];
  /** The status of its answers. */
  status: number;
  /** All spans of the requests that it accepted. */
  spans(): ReceivedSpan[];
}

export function serveReceiver(): TraceReceiver {
  const requests: ReceivedRequest[] = [], taken: ReceivedRequest[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const received = { path: new URL(request.url).pathname, headers: request.headers, body: await request.text() };
    if (receiver.status === 200) taken.push(received);
    requests.push(received);
    return new Response("{}", { status: receiver.status });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  const receiver: TraceReceiver = {
    url: `${base}/v1/traces`,
    base,
    requests,
    status: 200,
    spans: () => taken.flatMap(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans as ReceivedSpan[]),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
  return receiver;
}
