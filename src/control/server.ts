/**
 * Serves the control API on the workspace's Unix socket. Started last and stopped first by the kernel, which holds the
 * workspace's lock all the while: a socket file that is there before us belongs to a daemon that is dead.
 * I1. The socket is 0600 from its first moment.
 * I2. `stop` ends, whatever the clients do.
 */
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { controlStopMs } from "../base/limits.ts";

export interface ControlServer {
  readonly path: string;
  /** Lets answers under way finish for a moment, then cuts them, and removes the socket. */
  stop(): Promise<void>;
}

export interface ServeOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Gets what went wrong outside of any route. */
  readonly report: (thrown: unknown) => void;
}

/** Serves `app` on the socket at `path`; its folder is made, for the owner alone, if it is missing. */
export function serveControl(
  app: { fetch(request: Request): Response | Promise<Response> },
  { path, clock, report }: ServeOptions,
): ControlServer {
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  removeSocket(path);
  const cut = new AbortController();
  const server = withUmask(0o177, () =>
    Deno.serve({
      path,
      signal: cut.signal,
      onListen: () => {},
      onError(thrown) {
        report(thrown);
        return new Response(null, { status: 500 });
      },
    }, (request) => app.fetch(request)));
  return {
    path,
    async stop() {
      // shutdown() waits for open streams without end (deno-facts.md 7), so it gets a moment and no more.
      const cancel = clock.after(controlStopMs, () => cut.abort());
      await server.shutdown();
      cancel();
      removeSocket(path);
    },
  };
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
