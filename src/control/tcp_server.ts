/**
 * Serves an app on an address of the loopback. daemon/listener.ts starts and stops it. unix_server.ts explains why it
 * uses node:http.
 * I1. A connection on which no whole request arrives within `requestMaxMs` is closed. At `listenConnectionsMax`, the
 *     oldest such connection makes room, so that stalled clients keep no one out.
 * I2. A client whose body was refused gets the answer, and `refusedBodyMs` to read it while the rest of its body is
 *     discarded; then it is disconnected.
 * I3. `stop` completes, whatever the clients do, and leaves no connection open.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { listenConnectionsMax, listenConnectionsShare, refusedBodyMs } from "../base/hook_limits.ts";
import { keepFilesFromPrograms } from "../base/inherited_files.ts";
import { controlStopMs, requestBodyMaxBytes } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { Connections, rejectRequest, RequestLines } from "./connections.ts";
import { answerRequest } from "./http_server.ts";
import type { ListenerEnv } from "./listener_app.ts";

const { createServer } = await import("node:http");

export interface TcpServer {
  readonly port: number;
  stop(): Promise<void>;
}

export interface TcpOptions {
  readonly hostname: string;
  /** 0: any free port. */
  readonly port: number;
  readonly clock: Clock;
  /** Called with errors outside of any route. */
  readonly report: (thrown: unknown) => void;
}

interface ListeningApp {
  fetch(request: Request, env: ListenerEnv["Bindings"]): Response | Promise<Response>;
}

/** Resolves when clients can connect; rejects when the address cannot be bound. */
export async function serveTcp(app: ListeningApp, { hostname, port, clock, report }: TcpOptions): Promise<TcpServer> {
  const stopping = new AbortController();
  const limits = { max: listenConnectionsMax, share: listenConnectionsShare, makesRoom: true };
  const connections = new Connections(clock, limits), lines = new RequestLines();
  // Node's own timeouts are off; ours use the given clock.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { socket } = incoming;
    incoming.once("end", () => connections.markReceived(socket));
    connections.markBusy(socket);
    outgoing.once("close", () => connections.markAnswered(socket));
    const fetch = (request: Request, gone: AbortSignal) =>
      app.fetch(request, {
        gone,
        stopping: stopping.signal,
        clock,
        headers: toHeaders(incoming),
      });
    await lines.enter(socket, () => answerRequest(incoming, outgoing, { fetch, clock, report }));
    if (!incoming.complete) clock.after(refusedBodyMs, () => incoming.complete || socket.destroy());
  };
  server.on("connection", (socket: Socket) => connections.add(socket));
  server.on("clientError", (_error: Error, socket: Socket) => rejectRequest(socket));
  server.on("request", answer);
  server.on("checkContinue", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    // A body that is too large is refused before it is sent.
    if (!(Number(incoming.headers["content-length"]) > requestBodyMaxBytes)) outgoing.writeContinue();
    void answer(incoming, outgoing);
  });
  const bound = await listen(server, hostname, port);
  keepFilesFromPrograms();
  server.on("error", report);
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    stopping.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.close();
    const cancel = clock.after(controlStopMs, () => connections.destroyAll());
    await closed;
    cancel();
  };
  return { port: bound, stop: () => stopped ??= stop() };
}

/** If the target names a host, that host counts (RFC 9112, 3.2.2). */
function toHeaders({ headers, url = "/" }: IncomingMessage): Record<string, string> {
  const all = headers as Record<string, string>;
  return url.startsWith("/") ? all : { ...all, host: new URL(url).host };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: listenConnectionsMax }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
