/** What the kernel shows of itself: answers to the control API and to embedders. Reads only; made by kernel.ts. */
import type { Clock } from "../base/clock.ts";
import { formatDuration } from "../base/duration.ts";
import { version } from "../base/version.ts";
import { groupMembers, type NerveConfig, type ReflexConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { UnitView as SupervisedUnit } from "../process/supervisor.ts";
import type { ComputeResult, Health, SenseView, StartRunRequest, TriggerReply } from "../protocol/api.ts";
import type { UnitView, WorkflowView } from "../protocol/api.ts";
import type { Run } from "../protocol/run.ts";
import type { StoreReader } from "../store/reader.ts";
import type { Parts } from "./kernel.ts";
import { groupKey } from "./units.ts";
import { workflowKey } from "./workflow_host.ts";

export interface ViewPorts {
  readonly config: NerveConfig;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly startedAt: number;
  readonly reader: StoreReader;
  stop(): void;
  parts(): Parts;
}

export class KernelViews {
  readonly #ports: ViewPorts;

  constructor(ports: ViewPorts) {
    this.#ports = ports;
  }

  health(): Health {
    const { paths, clock, startedAt, config } = this.#ports, { units, workflows } = this.#ports.parts();
    const counts = workflows.view();
    const counters: Record<string, number> = { refused: units.refused };
    for (const name of config.senses.keys()) {
      const record = this.#ports.parts().desk.record(name);
      for (const [key, value] of Object.entries(record?.counters ?? {})) counters[key] = (counters[key] ?? 0) + value;
    }
    return {
      pid: Deno.pid,
      version,
      workspace: paths.root,
      startedAt,
      uptimeMs: clock.now() - startedAt,
      units: this.#units(),
      runs: { active: sum(counts.map(({ active }) => active)), queued: sum(counts.map(({ queued }) => queued)) },
      counters,
      configError: null,
    };
  }

  senses(): SenseView[] {
    return [...this.#ports.config.senses.keys()].map((name) => this.sense(name)).filter((view) => view !== null);
  }

  sense(name: string): SenseView | null {
    const { config } = this.#ports, { desk, scheduler, supervisor } = this.#ports.parts();
    const sense = config.senses.get(name), record = desk.record(name), timeline = scheduler.view(name);
    if (sense === undefined || record === null) return null;
    const unit = supervisor.view().find(({ key }) => key === groupKey(sense.group));
    const down = unit?.state === "quarantined" ? `quarantined: ${unit.reason}` : null;
    const [fault] = record.loadProblems;
    return {
      name,
      group: sense.group,
      state: unit?.state === "quarantined" ? "quarantined" : timeline?.state ?? "stopped",
      reflexes: config.reflexes.filter((reflex) => reflex.sense === name).map(describeReflex),
      nextDue: timeline?.nextDue ?? null,
      lastCompute: record.lastCompute,
      lastSignal: record.lastSignal,
      counters: { ...record.counters },
      problem: down ?? (fault === undefined ? null : `cannot be loaded: ${fault.message}`),
    };
  }

  triggerSense(name: string): (Omit<TriggerReply, "outcome"> & { outcome: Promise<ComputeResult> }) | null {
    const { desk, scheduler, store } = this.#ports.parts();
    if (desk.record(name) === null) return null;
    const row = store.log.append({
      source: `sense:${name}`,
      type: "sense.triggered",
      refId: name,
      causeId: null,
      payload: { by: "request" },
    });
    const receipt = scheduler.trigger(name, { kind: "manual", causeId: row.id, coalesced: 0 });
    if (receipt === null) return null;
    return { ...receipt, outcome: desk.resultOf(receipt.computeId) };
  }

  workflows(): WorkflowView[] {
    const { workflows, supervisor } = this.#ports.parts();
    const units = supervisor.view();
    return workflows.view().map(({ name, concurrency, overflow, active, queued }) => {
      const unit = units.find(({ key }) => key === workflowKey(name));
      const problem = unit?.reason === null || unit === undefined ? null : `${unit.state}: ${unit.reason}`;
      return { name, concurrency, overflow, active, queued, problem };
    });
  }

  async startRun(workflow: string, request: StartRunRequest): Promise<Run> {
    return await this.#ports.parts().workflows.startRun({
      workflow,
      prompt: request.prompt ?? "",
      payload: request.payload ?? {},
      maxRounds: request.maxRounds ?? null,
      runId: request.runId ?? null,
      trigger: { kind: "manual" },
      causeId: null,
    });
  }

  #units(): UnitView[] {
    return this.#ports.parts().supervisor.view().map((unit: SupervisedUnit) => {
      const { key, state, reason, pid, memoryBytes, deaths } = unit;
      const [kind, name = ""] = key.split(":");
      const members = kind === "group" ? groupMembers(this.#ports.config, name).map((sense) => sense.name) : [];
      return {
        kind: kind === "group" ? "group" : "workflow",
        name,
        state,
        reason,
        pid,
        memoryBytes,
        deaths,
        senses: members,
      };
    });
  }
}

function describeReflex({ intervalMs, cron, timezone, on }: ReflexConfig): string {
  const parts = [
    intervalMs === null ? null : `every ${formatDuration(intervalMs)}`,
    cron === null ? null : `cron ${cron}${timezone === null ? "" : ` (${timezone})`}`,
    on.length === 0 ? null : `on ${on.join(", ")}`,
  ];
  return parts.filter((part) => part !== null).join(" and ");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
