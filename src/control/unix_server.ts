/**
 * Serves the control API on the workspace's Unix socket. daemon/kernel_host.ts starts it after the kernel and stops it
 * first. The kernel holds the workspace's lock meanwhile, so an existing socket file belongs to a dead daemon.
 * The server uses node:http because Deno.serve has neither a deadline for half-sent requests nor a way to close a
 * connection (measured with 2.9.6: it keeps a half-sent header forever).
 * I1. The socket's mode is 0600 from the start.
 * I2. A connection on which no whole request arrives within `requestMaxMs` is closed; one over `controlConnectionsMax`,
 *     or over its share of the process's descriptors, is closed at once.
 * I3. Requests that a client sends before it has its answers are answered one by one; requests of other clients get
 *     their turns in between.
 * I4. `stop` completes, whatever the clients do, and leaves no connection open.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import { keepFilesFromPrograms } from "../base/inherited_files.ts";
import { controlConnectionsMax, controlConnectionsShare, controlStopMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { Connections, rejectRequest, RequestLines } from "./connections.ts";
import { answerRequest } from "./http_server.ts";
import type { ControlEnv } from "./kernel_port.ts";

const { createServer } = await import("node:http");

export interface ControlServer {
  readonly path: string;
  /** Ends waiting answers, gives answers in progress a moment to finish, and removes the socket. */
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Called with errors outside of any route. */
  readonly report: (thrown: unknown) => void;
}

interface ServedApp {
  fetch(request: Request, env: ControlEnv["Bindings"]): Response | Promise<Response>;
}

/**
 * Serves `app` on the socket at `path`. Creates the socket's folder, for the owner alone, if it is missing. Resolves
 * when clients can connect; rejects when the socket cannot be bound.
 */
export async function serveControl(app: ServedApp, { path, clock, report }: ServeOptions): Promise<ControlServer> {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  removeSocket(path);
  const stopping = new AbortController();
  const createEnv = (gone: AbortSignal): ControlEnv["Bindings"] => ({ gone, stopping: stopping.signal, clock });
  const connections = new Connections(clock, { max: controlConnectionsMax, share: controlConnectionsShare });
  const lines = new RequestLines();
  // Node's own timeouts are off; ours use the given clock.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  server.on("connection", (socket: Socket) => connections.add(socket));
  server.on("clientError", (_error: Error, socket: Socket) => rejectRequest(socket));
  server.on("request", async (incoming, outgoing) => {
    const { socket } = incoming;
    incoming.once("end", () => connections.markReceived(socket));
    connections.markBusy(socket);
    outgoing.once("close", () => connections.markAnswered(socket));
    await lines.enter(socket, () =>
      answerRequest(incoming, outgoing, {
        fetch: (request, gone) => app.fetch(request, createEnv(gone)),
        clock,
        report,
      }));
  });
  await listen(server, path);
  keepFilesFromPrograms();
  const bound = inodeOf(path);
  server.on("error", report);
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    stopping.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.close();
    const cancel = clock.after(controlStopMs, () => connections.destroyAll());
    await closed;
    cancel();
    // The workspace may have been removed and created again, with a new daemon and socket.
    if (inodeOf(path) === bound) removeSocket(path);
  };
  return { path, stop: () => stopped ??= stop() };
}

/**
 * Binds inside a folder that only the owner may enter, sets the mode to 0600, and moves the socket to its place.
 * Setting the umask instead would affect every file that the process creates meanwhile. The folder's name is short, so
 * that the path stays within the limit for sockets.
 */
function listen(server: Server, path: string): Promise<void> {
  const folder = join(dirname(path), ".ns"), inside = join(folder, "s");
  Deno.mkdirSync(folder, { recursive: true });
  Deno.chmodSync(folder, 0o700);
  removeSocket(inside);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      try {
        Deno.chmodSync(inside, 0o600);
        Deno.renameSync(inside, path);
        Deno.removeSync(folder);
        resolve();
      } catch (thrown) {
        reject(thrown);
      }
    });
    server.listen({ path: inside });
  });
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
