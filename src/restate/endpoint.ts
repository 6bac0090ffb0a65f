/**
 * Listens at the address of nerve.yaml for calls of a Restate server. Used by restate_engine.ts.
 * I1. A request that no key of nerve.yaml has signed gets 401, and does nothing. All that others learn is that the
 *     daemon is there.
 */
import { resolveOwnEntry } from "../base/self_exec.ts";
import type { EngineDefinition } from "../protocol/engine.ts";
import type { PassedReply, RunSession } from "../workflow/cluster/ports.ts";
import { daemonPath, nameDaemon, nameParts, type PartNames, partPath } from "./part_names.ts";

type Answer = (request: Request) => Promise<Response>;

interface ServiceModule {
  createHandlers(options: {
    readonly parts: PartNames;
    readonly daemon: string;
    readonly identity: readonly string[];
    readonly open: (input: unknown) => Promise<RunSession>;
    readonly command: (command: unknown) => Promise<unknown>;
  }): readonly Answer[];
}

/** The calls of the server; the callee checks whether a daemon of this workspace has sealed the input. */
export interface EndpointCalls {
  open(input: unknown): Promise<RunSession>;
  command(sealed: unknown): Promise<PassedReply>;
}

export interface Endpoint {
  stop(): Promise<void>;
}

export const alivePath = "/alive";

/** Resolves when it listens. Rejects when the address cannot be bound. */
export async function serveEndpoint(
  { hostname, port, identity, service, endpoint }: EngineDefinition,
  { open, command }: EndpointCalls,
): Promise<Endpoint> {
  // Loaded by its path: Restate's SDK is a bundle of its own, which nerve loads only here.
  const { createHandlers } = await import(resolveOwnEntry("restate/service.ts").href) as ServiceModule;
  const parts = nameParts(service), daemon = nameDaemon(service, endpoint);
  const answers = createHandlers({ parts, daemon, identity, open, command });
  const paths = [...parts.map((_, part) => partPath(part)), daemonPath];
  const handlers = new Map(answers.map((each, at) => [paths[at] ?? "", each]));
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url), [, part = ""] = pathname.split("/");
    if (pathname === alivePath) return new Response(null, { status: 204 });
    return await handlers.get(`/${part}`)?.(request) ?? new Response(null, { status: 404 });
  };
  const server = Deno.serve({ hostname, port, onListen: () => {} }, answer);
  return {
    async stop() {
      // Open calls have ended, or continue elsewhere.
      const closed = server.shutdown();
      await closed;
    },
  };
}
