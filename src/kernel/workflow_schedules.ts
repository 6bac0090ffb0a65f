/**
 * Starts runs at the ticks of workflows' own schedules. Created by wiring.ts; scheduler/workflow_clock.ts decides when.
 * I1. A tick makes exactly one run, even across crashes: its row and the run's id are stored together, before the run;
 *     the next daemon starts that run if it is missing.
 * I2. Daemons that share an engine follow the same lines: the id of a tick's run names the tick, so that they start
 *     only one.
 * I3. If the run of a tick cannot be stored, it is retried until it can, or until the next tick of its line.
 */
import { messageOf } from "../base/errors.ts";
import { sha256Text } from "../base/sha256_text.ts";
import { backoffMaxMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogRow, LogType, NewLogRow } from "../protocol/log.ts";
import type { LineTick, ScheduleFollower, ScheduleLine, WorkflowSchedulePlan } from "../scheduler/ports.ts";
import { WorkflowClock } from "../scheduler/workflow_clock.ts";
import type { MetaStore } from "../store/log/meta_store.ts";
import type { WorkflowEngine } from "../workflow/engine.ts";

export interface WorkflowSchedulePorts {
  readonly clock: Clock;
  readonly meta: Pick<MetaStore, "get" | "set">;
  readonly workflows: Pick<WorkflowEngine, "startRun">;
  /** `values` are stored in the same commit. */
  append(row: NewLogRow, values: readonly (readonly [key: string, value: string])[]): LogRow;
  newRunId(): string;
  reportProblem(message: string): void;
}

/** How far a line was followed, and its last tick while that tick's run may not be stored yet. */
interface Place {
  /** Not the time of the tick: several ticks that a sleeping machine skipped count as one. */
  readonly upTo: number;
  readonly begun: Begun | null;
}

interface Begun {
  readonly run: string;
  readonly due: number;
  /** The row of that tick. */
  readonly row: number | null;
}

export class WorkflowSchedules implements ScheduleFollower {
  readonly #ports: WorkflowSchedulePorts;
  readonly #clock: WorkflowClock;
  /** By workflow, then by line. */
  readonly #places = new Map<string, Record<string, Place>>();
  #plans: readonly WorkflowSchedulePlan[] = [];
  #stopped = false;

  constructor(ports: WorkflowSchedulePorts) {
    this.#ports = ports;
    this.#clock = new WorkflowClock(ports.clock, this);
  }

  setPlans(plans: readonly WorkflowSchedulePlan[]): void {
    this.#plans = plans;
    this.#clock.setPlans(plans);
  }

  start(): void {
    for (const { workflow, lines } of this.#plans) {
      for (const line of lines) {
        const begun = this.#placesOf(workflow)[keyOf(line)]?.begun ?? null;
        if (begun !== null) void this.#startRun(workflow, line, begun);
      }
    }
    this.#clock.start();
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.stop();
  }

  nextDue(workflow: string): number | null {
    return this.#clock.nextDue(workflow);
  }

  followedUpTo(workflow: string, line: ScheduleLine): number | null {
    return this.#placesOf(workflow)[keyOf(line)]?.upTo ?? null;
  }

  onFollowed(workflow: string, line: ScheduleLine): void {
    this.#ports.meta.set(...this.#put(workflow, line, null));
  }

  onTick(tick: LineTick, caughtUp: boolean): void {
    const run = this.#nameRun(tick), { workflow, line, due } = tick;
    const entry = this.#put(workflow, line, { run, due, row: null });
    // The row's id is known only once it is written.
    const { id: row } = this.#append("workflow.due", tick, { runId: run, caughtUp }, entry);
    this.#ports.meta.set(...this.#put(workflow, line, { run, due, row }));
    void this.#startRun(workflow, line, { run, due, row });
  }

  #nameRun({ workflow, line, due }: LineTick): string {
    if (this.#plans.find((plan) => plan.workflow === workflow)?.shared !== true) return this.#ports.newRunId();
    const time = new Date(due).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    return `${workflow}.${time}.${sha256Text(keyOf(line)).slice(0, 12)}`;
  }

  onMissed(tick: LineTick): void {
    this.#append("workflow.missed", tick, {}, this.#put(tick.workflow, tick.line, null));
  }

  #append(
    type: LogType,
    { workflow, line: { cron, timezone }, due }: LineTick,
    more: JsonObject,
    entry: readonly [key: string, value: string],
  ): LogRow {
    const payload = { cron, timezone, due, ...more };
    return this.#ports.append(
      { source: `workflow:${workflow}`, type, refId: workflow, causeId: null, payload },
      [entry],
    );
  }

  /** An existing id attaches to its run: a run that was stored is not started twice. */
  async #startRun(workflow: string, line: ScheduleLine, begun: Begun): Promise<void> {
    const { cron, prompt } = line, { run, due, row } = begun, isNewest = () => this.#isNewest(workflow, line, run);
    try {
      await this.#ports.workflows.startRun({
        workflow,
        prompt,
        payload: {},
        maxRounds: null,
        runId: run,
        trigger: { kind: "schedule", cron, due },
        causeId: row,
      });
      if (isNewest()) this.#ports.meta.set(...this.#put(workflow, line, null));
    } catch (thrown) {
      if (this.#stopped || !isNewest()) return;
      this.#ports.reportProblem(`${workflow}, due by its schedule, could not be started: ${messageOf(thrown)}`);
      this.#ports.clock.after(backoffMaxMs, () => {
        if (!this.#stopped && isNewest()) void this.#startRun(workflow, line, begun);
      });
    }
  }

  #isNewest(workflow: string, line: ScheduleLine, run: string): boolean {
    const planned = this.#plans.some((plan) => plan.workflow === workflow);
    return planned && this.#placesOf(workflow)[keyOf(line)]?.begun?.run === run;
  }

  #placesOf(workflow: string): Record<string, Place> {
    let places = this.#places.get(workflow);
    if (places === undefined) {
      places = JSON.parse(this.#ports.meta.get(metaKey(workflow)) ?? "{}") as Record<string, Place>;
      this.#places.set(workflow, places);
    }
    return places;
  }

  /** Returns the entry of the table `meta`. Drops lines that nerve.yaml no longer has. */
  #put(workflow: string, line: ScheduleLine, begun: Begun | null): readonly [key: string, value: string] {
    const lines = this.#plans.find((plan) => plan.workflow === workflow)?.lines.map(keyOf) ?? [];
    const kept = Object.entries(this.#placesOf(workflow)).filter(([key]) => lines.includes(key));
    const places = { ...Object.fromEntries(kept), [keyOf(line)]: { upTo: this.#ports.clock.now(), begun } };
    this.#places.set(workflow, places);
    return [metaKey(workflow), JSON.stringify(places)];
  }
}

/** Excludes whether the line catches up: it remains the same line. */
function keyOf({ cron, timezone, prompt }: ScheduleLine): string {
  return JSON.stringify([cron, timezone, prompt]);
}

function metaKey(workflow: string): string {
  return `schedule:${workflow}`;
}
