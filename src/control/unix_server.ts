/**
 * Serves the control API on the workspace's Unix socket. Started last and stopped first by the kernel, which holds the
 * workspace's lock all the while: a socket file that is there before us belongs to a daemon that is dead.
 * It stands on node:http because Deno.serve has neither a deadline for a request that is sent by halves nor a way to
 * close a connection (measured, 2.9.6: a half-sent header is held for ever).
 * I1. The socket is 0600 from its first moment.
 * I2. A connection whose client owes a request is closed after `requestMaxMs`, one over `controlConnectionsMax` at once.
 * I3. `stop` ends, whatever the clients do, and leaves no connection.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import { controlConnectionsMax, controlStopMs, requestMaxMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { answerRequest } from "./http_server.ts";
import type { ControlEnv } from "./kernel_port.ts";

const { createServer } = await import("node:http");

export interface ControlServer {
  readonly path: string;
  /** Answers what waits, lets answers under way finish for a moment, and removes the socket. */
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Gets what went wrong outside of any route. */
  readonly report: (thrown: unknown) => void;
}

interface ServedApp {
  fetch(request: Request, env: ControlEnv["Bindings"]): Response | Promise<Response>;
}

/**
 * Serves `app` on the socket at `path`; its folder is made, for the owner alone, if it is missing. Resolves when it can
 * be connected to; rejects when the socket cannot be bound.
 */
export async function serveControl(app: ServedApp, { path, clock, report }: ServeOptions): Promise<ControlServer> {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  removeSocket(path);
  const stopping = new AbortController();
  const envOf = (gone: AbortSignal): ControlEnv["Bindings"] => ({ gone, stopping: stopping.signal, clock });
  const connections = new Connections(clock);
  // Node's own timeouts are off: ours follow the clock that we were given.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  server.on("connection", (socket: Socket) => connections.add(socket));
  server.on("clientError", (_error: Error, socket: Socket) => refuse(socket));
  server.on("request", async (incoming, outgoing) => {
    const { socket } = incoming;
    incoming.once("end", () => connections.received(socket));
    connections.busy(socket);
    outgoing.once("close", () => connections.answered(socket));
    await answerRequest(incoming, outgoing, {
      fetch: (request, gone) => app.fetch(request, envOf(gone)),
      clock,
      report,
    });
  });
  await listen(server, path);
  const bound = inodeOf(path);
  server.on("error", report);
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    stopping.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.close();
    const cancel = clock.after(controlStopMs, () => connections.cut());
    await closed;
    cancel();
    // The workspace may have been removed and made again, with a daemon and a socket of its own.
    if (inodeOf(path) === bound) removeSocket(path);
  };
  return { path, stop: () => stopped ??= stop() };
}

/**
 * Binds inside a folder that only the owner may enter, and moves the socket to its place once its mode is 0600. The
 * umask would do as well, but it is the whole process's: whatever is made meanwhile would get it too. The folder's name
 * is short, so that a path which is just short enough for a socket stays so.
 */
function listen(server: Server, path: string): Promise<void> {
  const nest = join(dirname(path), ".ns"), inside = join(nest, "s");
  Deno.mkdirSync(nest, { recursive: true });
  Deno.chmodSync(nest, 0o700);
  removeSocket(inside);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      try {
        Deno.chmodSync(inside, 0o600);
        Deno.renameSync(inside, path);
        Deno.removeSync(nest);
        resolve();
      } catch (thrown) {
        reject(thrown);
      }
    });
    server.listen({ path: inside });
  });
}

/** What is not HTTP, or too much of it, is told so and closed. */
function refuse(socket: Socket): void {
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  socket.destroySoon();
}

/** All connections, each with the deadline of the request that its client owes. */
class Connections {
  readonly #clock: Clock;
  /** Null: nothing is owed, the request is here whole. */
  readonly #deadlines = new Map<Socket, CancelTimer | null>();
  /** Those that have a request which is not answered yet. */
  readonly #busy = new Set<Socket>();
  #closing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(socket: Socket): void {
    if (this.#closing || this.#deadlines.size >= controlConnectionsMax) return void socket.destroy();
    socket.on("error", () => {});
    socket.once("close", () => {
      this.received(socket);
      this.#deadlines.delete(socket);
      this.#busy.delete(socket);
    });
    this.#expect(socket);
  }

  busy(socket: Socket): void {
    this.#busy.add(socket);
  }

  received(socket: Socket): void {
    this.#deadlines.get(socket)?.();
    if (this.#deadlines.has(socket)) this.#deadlines.set(socket, null);
  }

  /** The next request may come. When the last one is still coming, because it was refused, its own deadline goes on. */
  answered(socket: Socket): void {
    this.#busy.delete(socket);
    if (this.#closing) socket.destroySoon();
    else if (this.#deadlines.get(socket) === null) this.#expect(socket);
  }

  /** No further requests: idle connections end now, the others with their answer. */
  close(): void {
    this.#closing = true;
    for (const socket of [...this.#deadlines.keys()]) if (!this.#busy.has(socket)) socket.destroy();
  }

  cut(): void {
    for (const socket of [...this.#deadlines.keys()]) socket.destroy();
  }

  #expect(socket: Socket): void {
    this.#deadlines.set(socket, this.#clock.after(requestMaxMs, () => socket.destroy()));
  }
}

function inodeOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).ino;
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
