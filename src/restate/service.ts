/**
 * The services that Restate calls: one for each part of an engine's runs. Each is a Restate workflow whose key is the
 * id of a run, and whose journal is the list of the run's changes. Loaded by endpoint.ts by its path: it is the only
 * module that imports Restate's SDK, and a bundle of its own.
 * I1. Only `ctx.run` determines the journal, and its steps are numbered: however a workflow's code changes, the journal
 *     fits.
 */
import * as restate from "@restatedev/restate-sdk/fetch";

/** As in workflow/cluster/ports.ts. */
interface Change {
  readonly call: string;
  readonly args: readonly unknown[];
}

interface Work {
  next(): Promise<readonly Change[]>;
  apply(n: number, changes: readonly Change[]): Promise<boolean>;
  end(isOver: boolean): void;
}

interface HandlerOptions {
  /** The names of the services of all parts; `daemon`: that of this daemon's own service. */
  readonly parts: readonly string[];
  readonly daemon: string;
  readonly identity: readonly string[];
  readonly open: (input: unknown) => Promise<Work>;
  readonly command: (command: unknown) => Promise<unknown>;
}

type Answer = (request: Request) => Promise<Response>;

const longMs = 365 * 24 * 3_600_000;

const options: restate.WorkflowOptions = {
  // Both are `engineKeptMs`: a daemon that was away learns from the journal how a run ended.
  workflowRetention: { days: 30 },
  journalRetention: { days: 30 },
  // A step lasts as long as a role, or as a person takes to decide.
  inactivityTimeout: longMs,
  abortTimeout: longMs,
  enableLazyState: true,
  retryPolicy: { initialInterval: 200, maxInterval: 5_000 },
};

/** Answers requests that one of the keys has signed: those for a part, and those for this daemon itself. */
export function createHandlers({ parts, daemon, identity, open, command }: HandlerOptions): readonly Answer[] {
  const serve = (service: ReturnType<typeof createPart> | ReturnType<typeof createDaemon>) =>
    restate.createEndpointHandler({
      services: [service],
      bidirectional: true,
      identityKeys: [...identity],
      logger: () => {},
    });
  return [...parts.map((name) => serve(createPart(name, open))), serve(createDaemon(daemon, command))];
}

/** The service for commands that other daemons pass on. */
function createDaemon(name: string, command: HandlerOptions["command"]) {
  // The caller does not wait for a daemon that comes back later.
  const retryPolicy = { maxAttempts: 3, onMaxAttempts: "kill" } as const;
  return restate.service({
    name,
    options: { retryPolicy },
    handlers: { command: (_: restate.Context, input: unknown) => command(input) },
  });
}

function createPart(name: string, open: HandlerOptions["open"]) {
  return restate.workflow({
    name,
    options,
    handlers: {
      run: async (ctx: restate.WorkflowContext, input: unknown): Promise<{ readonly changes: number }> => {
        const work = await open(input), { attemptCompletedSignal: over } = ctx.request();
        const end = () => work.end(false);
        over.addEventListener("abort", end);
        if (over.aborted) end();
        for (let n = 1;; n++) {
          const changes = await ctx.run(`change ${n}`, () => work.next());
          if (changes.length > 0 && !await work.apply(n, changes)) continue;
          work.end(true);
          return { changes: n };
        }
      },
    },
  });
}
