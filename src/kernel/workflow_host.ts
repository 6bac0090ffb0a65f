/**
 * Gives the workflow manager its processes: the manager speaks of runs, the supervisor of processes, and this file
 * translates. Created by kernel.ts.
 */
import type { Supervisor } from "../process/supervisor.ts";
import type { UnitProcess } from "../process/unit_process.ts";
import { workflowKey } from "../protocol/unit.ts";
import type { WorkflowHost, WorkflowProcess } from "../workflow/local/ports.ts";

export class SupervisedWorkflows implements WorkflowHost {
  readonly #supervisor: Supervisor;
  /** One handle a process, so that handles can be compared. */
  readonly #handles = new WeakMap<UnitProcess, WorkflowProcess>();

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  process(workflow: string): WorkflowProcess | null {
    const process = this.#supervisor.process(workflowKey(workflow));
    if (process === null) return null;
    let handle = this.#handles.get(process);
    if (handle === undefined) this.#handles.set(process, handle = handleOf(process, workflow));
    return handle;
  }

  quarantined(workflow: string): boolean {
    return this.#supervisor.quarantined(workflowKey(workflow));
  }
}

function handleOf(process: UnitProcess, workflow: string): WorkflowProcess {
  return {
    id: process.id,
    workflow,
    run: (start, attempt, messages, failures) => process.send({ t: "run", start, attempt, messages, failures }),
    ack: (runId, attempt, message) => process.send({ t: "ack", runId, attempt, message }),
    abortRun: (runId, attempt, reason) => process.send({ t: "abort_run", runId, attempt, reason }),
    recycle: (reason) => process.kill("recycled", `was recycled: ${reason}`),
  };
}
