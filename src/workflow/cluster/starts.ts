/**
 * Starts runs of distributed engines. Used by engines.ts.
 * I1. A run is on disk here before it is acknowledged.
 * I2. When daemons start the same id at the same time, the server decides whose run it is: the others attach to it, or
 *     get RUN_CONFLICT. While the server is away, each daemon takes the id, and mirror.ts later keeps the first run.
 */
import { engineClaimMs } from "../../base/engine_limits.ts";
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunRequest, WorkflowPlan } from "../engine.ts";
import { toStoreFailed } from "../local/run_admission.ts";
import { checkRequest, createRun } from "../local/run_request.ts";
import { createFirstRow } from "../local/run_writer.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import type { Mirror } from "./mirror.ts";
import type { Outbox } from "./outbox.ts";
import type { EngineServer, LocalRuns, RunInput } from "./ports.ts";

export interface StartsParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly mirror: Mirror;
  readonly outbox: Outbox;
  readonly newRunId: () => string;
  readonly onChange: (run: Run) => void;
  readonly serverOf: (engine: string) => EngineServer | null;
}

export class ClusterStarts {
  readonly #parts: StartsParts;

  constructor(parts: StartsParts) {
    this.#parts = parts;
  }

  /** Returns the started run, or the id of a run that exists here: the request attaches to it or conflicts with it. */
  async begin(wanted: RunRequest, plan: WorkflowPlan, engine: string): Promise<Run | string> {
    const request = checkRequest(wanted), { store, runs, clock, outbox, newRunId, onChange } = this.#parts;
    if ((request.fork ?? null) !== null) {
      throw new NerveError("ENGINE_CANNOT", `a run of engine ${engine} cannot begin with the messages of another run`, {
        hint: `start a new run of ${request.workflow}, or give the workflow to the local engine`,
      });
    }
    const runId = request.runId ?? newRunId(), starts = request.starts ?? null;
    const reason = `is handed to engine ${engine}`;
    const run = createRun(request, runId, plan, { kind: "queue", reason }, clock.now());
    const handed = request.runId !== null && await this.#claim(engine, { run, starts });
    if (store.get(runId) !== null) return runId;
    const isNew = runs.get(runId) === null;
    if (isNew) runs.put(runId, { engine, applied: 0, handed });
    try {
      // Another request started it in the same turn, or the server has handed it over already.
      if (!await store.create(run, createFirstRow(run, null, starts), null, starts)) return runId;
    } catch (thrown) {
      if (isNew) runs.forget(runId);
      throw toStoreFailed(`run ${runId} could not be started`, thrown);
    }
    onChange(run);
    if (!handed) outbox.hand(runId);
    return run;
  }

  /** Whether the server keeps this very run now. False: it is handed over later, or another run has the id here. */
  async #claim(engine: string, input: RunInput): Promise<boolean> {
    const { mirror, serverOf } = this.#parts, { runId } = input.run, server = serverOf(engine);
    const isOurs = server === null ? null : await this.#submit(server, input);
    if (server === null || isOurs !== false) return isOurs === true;
    const kept = await server.find(runId);
    if (kept === null) {
      throw new NerveError(
        "RUN_CONFLICT",
        `engine ${engine} has a run ${runId}, and does not know its input any more`,
        {
          hint: "use a new id",
        },
      );
    }
    await mirror.begin(engine, kept);
    return false;
  }

  /** Like `EngineServer.submit`. Null: the server does not answer, and is asked again when the run is handed over. */
  async #submit(server: EngineServer, input: RunInput): Promise<boolean | null> {
    const { clock } = this.#parts, late = Promise.withResolvers<null>();
    const cancel = clock.after(engineClaimMs, () => late.resolve(null));
    try {
      return await Promise.race([server.submit(input), late.promise]);
    } catch (thrown) {
      if (thrown instanceof NerveError) return null;
      throw thrown;
    } finally {
      cancel();
    }
  }
}
