/**
 * Serves the control API on the workspace's Unix socket. Started last and stopped first by the kernel, which holds the
 * workspace's lock all the while: a socket file that is there before us belongs to a daemon that is dead.
 * I1. The socket is 0600 from its first moment.
 * I2. `stop` ends, whatever the clients do.
 */
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { controlStopMs } from "../base/limits.ts";
import type { ControlEnv } from "./view.ts";

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

/** Serves `app` on the socket at `path`; its folder is made, for the owner alone, if it is missing. */
export function serveControl(app: ServedApp, { path, clock, report }: ServeOptions): ControlServer {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  removeSocket(path);
  const stopping = new AbortController(), env: ControlEnv["Bindings"] = { stopping: stopping.signal };
  const server = withUmask(0o177, () =>
    Deno.serve({
      path,
      onListen: () => {},
      onError(thrown) {
        report(thrown);
        return new Response(null, { status: 500 });
      },
    }, (request) => app.fetch(request, env)));
  return {
    path,
    async stop() {
      stopping.abort();
      // shutdown() waits for every open answer, and cannot be hurried (deno-facts.md 7: an abort after it throws). What
      // waits on purpose has ended with `stopping`; a client that does not read its answer is not waited for.
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(controlStopMs, resolve);
      await Promise.race([server.shutdown(), late]);
      cancel();
      removeSocket(path);
    },
  };
}

interface ServedApp {
  fetch(request: Request, env: ControlEnv["Bindings"]): Response | Promise<Response>;
}

/** The mask is the process's own: nothing else may run in between, so `make` is synchronous, as binding is. */
function withUmask<T>(mask: number, make: () => T): T {
  const before = Deno.umask(mask);
  try {
    return make();
  } finally {
    Deno.umask(before);
  }
}

function removeSocket(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
