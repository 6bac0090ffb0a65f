/**
 * Adapts the supervisor's processes to the ports of the workflow manager (workflow/local/ports.ts). Created by
 * wiring.ts.
 */
import type { ProcessEnd } from "../process/exit_cause.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import type { ToProcess } from "../protocol/message.ts";
import type { RunMessage } from "../protocol/run.ts";
import { workflowKey } from "../protocol/unit.ts";
import type { ProcessExit, ProcessOrder, WorkflowHost, WorkflowProcess } from "../workflow/local/ports.ts";

export class SupervisedWorkflows implements WorkflowHost {
  readonly #supervisor: UnitSupervisor;
  /** One handle per process, so that handles can be compared. */
  readonly #handles = new WeakMap<UnitProcess, WorkflowProcess>();

  readonly #codeOf: (workflow: string) => string;

  /** `codeOf`: the version of a workflow's code that new processes load. */
  constructor(supervisor: UnitSupervisor, codeOf: (workflow: string) => string) {
    this.#supervisor = supervisor;
    this.#codeOf = codeOf;
  }

  codeOf(workflow: string): string {
    return this.#codeOf(workflow);
  }

  getOrStartProcess(workflow: string, order: ProcessOrder): WorkflowProcess | null {
    const process = this.#supervisor.getOrStartProcess(workflowKey(workflow), order);
    if (process === null) return null;
    let handle = this.#handles.get(process);
    if (handle === undefined) this.#handles.set(process, handle = handleOf(process, workflow));
    return handle;
  }

  isQuarantined(workflow: string): boolean {
    return this.#supervisor.isQuarantined(workflowKey(workflow));
  }
}

function handleOf(process: UnitProcess, workflow: string): WorkflowProcess {
  return {
    id: process.id,
    workflow,
    run: (start, attempt, thread, failures) => process.send({ t: "run", start, attempt, ...thread, failures }),
    probe: (start, attempt, thread) => process.send({ t: "run", start, attempt, ...thread, failures: 0, probe: true }),
    proceed: (runId, attempt) => process.send({ t: "proceed", runId, attempt }),
    sendThread: (runId, attempt, messages) => process.sendPaced(toThreadMessages(runId, attempt, messages)),
    close: (start, attempt, rounds, end) => process.send({ t: "close", start, attempt, rounds, end }),
    ack: (runId, attempt, message) => process.send({ t: "ack", runId, attempt, message }),
    begin: (runId, attempt, round) => process.send({ t: "begin", runId, attempt, round }),
    abortRun: (runId, attempt, reason) => process.send({ t: "abort_run", runId, attempt, reason }),
    recycle: (reason) => process.kill("recycled", `was recycled: ${reason}`),
  };
}

function* toThreadMessages(runId: string, attempt: number, messages: Iterable<RunMessage>): Generator<ToProcess> {
  for (const message of messages) yield { t: "thread", runId, attempt, message };
}

/** A process that never loaded its code did not crash on a run. */
export function toExitKind({ kind }: ProcessEnd, wanted: boolean): ProcessExit["kind"] {
  if (kind === "recycled") return "recycled";
  return wanted || kind === "no_start" ? "idle" : kind === "killed" ? "outside" : "crash";
}
