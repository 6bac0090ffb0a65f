/** What the kernel shows of itself: answers to the control API and to embedders. Reads only; made by kernel.ts. */
import type { Clock } from "../base/clock.ts";
import { version } from "../base/version.ts";
import type { Subscription } from "../bus/signal_bus.ts";
import { groupMembers } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { UnitKey, UnitView as SupervisedUnit } from "../process/supervisor.ts";
import {
  type ArchiveReply,
  type ArchiveRequest,
  type ComputeResult,
  type Health,
  reflexText,
  type ReloadReply,
  type RunPage,
  type SenseView,
  type StartRunRequest,
  type TriggerReply,
  type UnitView,
  type WorkflowView,
} from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { Run, RunMessage } from "../protocol/run.ts";
import type { CurrentSecrets, ShownReader } from "./current_secrets.ts";
import { inSlices } from "../store/history.ts";
import type { RunQuery } from "../store/run_rows.ts";
import type { Configuration } from "./configuration.ts";
import type { Parts } from "./parts.ts";
import { groupKey } from "./units.ts";
import { workflowKey } from "./workflow_host.ts";

export interface ViewPorts {
  readonly configuration: Configuration;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly startedAt: number;
  readonly reader: ShownReader;
  readonly secrets: CurrentSecrets;
  parts(): Parts;
}

/** Reads of what is on disk; the control API's `Records` by its shape. */
export interface KernelRecords {
  runs(query: RunQuery): RunPage;
  run(runId: string): Run | null;
  messages(runId: string, query: { beforeRound?: number; limit: number }): RunMessage[];
  logs(filter: LogFilter): LogRow[];
}

/** The control API's `History` by its shape. */
export interface KernelHistory {
  messages(
    runId: string,
    query: { beforeRound?: number; limit: number },
    gone: AbortSignal,
  ): Promise<RunMessage[]>;
  logs(filter: LogFilter, archived: boolean, gone: AbortSignal): Promise<LogRow[]>;
}

/** The control API's `AcceptedTrigger` by its shape. */
export interface TakenTrigger extends Omit<TriggerReply, "outcome"> {
  outcome(): Promise<ComputeResult>;
  recorded(): Promise<void>;
}

export class KernelViews {
  readonly #ports: ViewPorts;
  /** Runs that no sense asked for; those of senses are counted with the senses. */
  #runsByRequest = 0;

  constructor(ports: ViewPorts) {
    this.#ports = ports;
  }

  get records(): KernelRecords {
    const { reader } = this.#ports;
    // What was told already must be there.
    this.#ports.parts().store.flush();
    return {
      runs: (query) => {
        const { runs, total } = reader.runs(query);
        return { total, items: runs };
      },
      run: (runId) => reader.run(runId),
      messages: (runId, query) => reader.messages(runId, query),
      logs: (filter) => reader.logs(filter),
    };
  }

  get history(): KernelHistory {
    const { secrets, clock } = this.#ports, { history } = this.#ports.parts();
    return {
      messages: async (runId, query, gone) => secrets.in(await inSlices(history.messages(runId, query), clock, gone)),
      logs: async (filter, archived, gone) => {
        await this.recorded();
        return secrets.in(await inSlices(history.logs(filter, archived), clock, gone));
      },
    };
  }

  /** Resolves when the rows of all that was told so far are in `records`: a signal is told before its row is written. */
  recorded(): Promise<void> {
    return this.#ports.parts().store.recorded();
  }

  followLog(): Subscription<LogRow> {
    const { feed, store } = this.#ports.parts();
    store.flush();
    return feed.follow();
  }

  health(): Health {
    const { paths, clock, startedAt, configuration } = this.#ports;
    const { units, workflows, store, housekeeping } = this.#ports.parts();
    const counts = workflows.view();
    const counters: Record<string, number> = {
      refused: units.refused,
      dropped: units.dropped,
      lost: store.counters.lost,
      runs: this.#runsByRequest,
    };
    for (const name of configuration.current.senses.keys()) {
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
      configError: configuration.error,
      storeError: store.trouble?.message ?? null,
      archive: housekeeping.progress,
    };
  }

  senses(): SenseView[] {
    return [...this.#ports.configuration.current.senses.keys()].map((name) => this.sense(name)).filter((view) =>
      view !== null
    );
  }

  sense(name: string): SenseView | null {
    const config = this.#ports.configuration.current, { desk, scheduler, supervisor } = this.#ports.parts();
    const sense = config.senses.get(name), record = desk.record(name), timeline = scheduler.view(name);
    if (sense === undefined || record === null) return null;
    // Not `supervisor.view()`, which reads the memory of every process.
    const key = groupKey(sense.group), down = supervisor.quarantined(key) ? supervisor.whyDown(key) : null;
    return this.#ports.secrets.in({
      name,
      group: sense.group,
      state: down !== null ? "quarantined" : timeline?.state ?? "stopped",
      reflexes: config.reflexes.filter((reflex) => reflex.sense === name).map(reflexText),
      nextDue: timeline?.nextDue ?? null,
      lastCompute: record.lastCompute,
      lastSignal: record.lastSignal,
      counters: { ...record.counters },
      problem: down ?? this.#codeFault(key, name),
    });
  }

  /** Why the sense's code does not run as it is on disk; null when it does. */
  #codeFault(key: UnitKey, sense: string): string | null {
    const { desk, faults } = this.#ports.parts(), [fault] = desk.record(sense)?.loadProblems ?? [];
    return faults.problemOf(key, sense) ?? (fault === undefined ? null : `cannot be loaded: ${fault.message}`);
  }

  /** The same of all senses of a group. */
  #codeFaults(key: UnitKey, senses: readonly string[]): string | null {
    const faults = senses.map((name) => [name, this.#codeFault(key, name)]).filter(([, fault]) => fault !== null);
    return faults.length === 0 ? null : faults.map(([name, fault]) => `${name}: ${fault}`).join("; ");
  }

  triggerSense(name: string): TakenTrigger | null {
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
    // A row that is lost is counted and told of (Kernel, onLost); the compute was started all the same.
    const recorded = () => store.log.durable().catch(() => {});
    const outcome = async () => this.#ports.secrets.in(await desk.resultOf(receipt.computeId));
    return { ...receipt, outcome, recorded };
  }

  resetSense(name: string): boolean | null {
    const group = this.#ports.configuration.current.senses.get(name)?.group;
    return group === undefined ? null : this.#ports.parts().units.reset(groupKey(group));
  }

  resetWorkflow(name: string): boolean | null {
    return this.#ports.configuration.current.workflows.has(name)
      ? this.#ports.parts().units.reset(workflowKey(name))
      : null;
  }

  async killRun(runId: string, reason: string | null): Promise<Run> {
    return this.#ports.secrets.in(await this.#ports.parts().workflows.killRun(runId, reason));
  }

  workflows(): WorkflowView[] {
    const { workflows, supervisor, faults } = this.#ports.parts();
    const units = supervisor.view(), loads = workflows.view();
    return [...this.#ports.configuration.current.workflows.values()].map(({ name, concurrency, overflow }) => {
      const unit = units.find(({ key }) => key === workflowKey(name));
      const load = loads.find(({ workflow }) => workflow === name);
      const down = unit === undefined || unit.reason === null ? null : `${unit.state}: ${unit.reason}`;
      const problem = down ?? faults.problemOf(workflowKey(name), name);
      const { active = 0, queued = 0 } = load ?? {};
      return { name, concurrency, overflow, active, queued, problem: this.#ports.secrets.in(problem) };
    });
  }

  async reload(): Promise<ReloadReply> {
    return this.#ports.secrets.in(await this.#ports.parts().reload.reload());
  }

  archive(request: ArchiveRequest): Promise<ArchiveReply> {
    return this.#ports.parts().housekeeping.archive(request);
  }

  async startRun(workflow: string, request: StartRunRequest): Promise<Run> {
    const { store, workflows } = this.#ports.parts();
    // A request that attaches to a run starts none. The writer's own look: `records` would cost a commit of its own.
    const attaches = request.runId !== undefined && store.runs.get(request.runId) !== null;
    const run = await workflows.startRun({
      workflow,
      prompt: request.prompt ?? "",
      payload: request.payload ?? {},
      maxRounds: request.maxRounds ?? null,
      runId: request.runId ?? null,
      trigger: { kind: "manual" },
      causeId: null,
    });
    if (!attaches) this.#runsByRequest++;
    return this.#ports.secrets.in(run);
  }

  /** Resolves when the run has ended, at once when it is unknown, or when nobody waits any more. */
  async runEnded(runId: string, gone: AbortSignal): Promise<void> {
    const { workflows } = this.#ports.parts();
    const left = new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve(), { once: true }));
    if (gone.aborted) return;
    // An unknown run has nothing to wait for; the caller's own look at the records says so.
    const ended = workflows.runEnded(runId).then(() => {}, () => {});
    await Promise.race([ended, left]);
  }

  #units(): UnitView[] {
    // In the order of nerve.yaml, whatever the order in which they came.
    const { supervisor, faults } = this.#ports.parts();
    const units = new Map(supervisor.view().map((unit) => [unit.key, unit]));
    const ordered = this.#ports.configuration.units.map(({ key }) => units.get(key)).filter((unit) =>
      unit !== undefined
    );
    return ordered.map((unit: SupervisedUnit) => {
      const { key, state, reason, pid, memoryBytes, deaths } = unit;
      const [kind, name = ""] = key.split(":");
      const members = kind === "group"
        ? groupMembers(this.#ports.configuration.current, name).map((sense) => sense.name)
        : [];
      return {
        kind: kind === "group" ? "group" : "workflow",
        name,
        state,
        // Its last words may be in it.
        reason: this.#ports.secrets.in(reason),
        problem: this.#ports.secrets.in(
          kind === "group" ? this.#codeFaults(key, members) : faults.problemOf(key, name),
        ),
        pid,
        memoryBytes,
        deaths,
        senses: members,
      };
    });
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
