/**
 * The configuration in force, and its way into every part: at the start, and at each reload (reload.ts). All parts read
 * `current`; none keeps a configuration of its own.
 * I1. A wrong nerve.yaml changes nothing but `error`, and is told once; one that holds nothing is wrong
 *     (load.ts). One that takes a sense, a workflow or a reflex out has to rest first, unless somebody asked for the
 *     reload: half of a file is often a valid one, and runs must not end for the moment in which it is written.
 * I2. What did not change is not touched: the scheduler and the workflow manager compare for themselves, a process is
 *     replaced only when its own definition changed.
 */
import { configSettleMs } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { formatProblems, hasErrors, type Problem } from "../config/diagnostic.ts";
import { loadNerveConfig } from "../config/load.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { ReloadChange } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { changesBetween, sameDefinition, takesOut } from "./config_diff.ts";
import type { CurrentConfig } from "./current_config.ts";
import type { ScheduleTarget, SenseTarget, WorkflowTarget } from "./ports.ts";
import { computeLimits, schedulePlans, workflowPlans } from "./stage_plans.ts";
import { planUnits } from "./unit_plans.ts";

export interface ConfigApplierPorts {
  readonly current: CurrentConfig;
  readonly supervisor: Pick<Supervisor, "plan" | "replace" | "reset" | "released" | "remove" | "present">;
  readonly senses: SenseTarget;
  readonly workflows: WorkflowTarget;
  readonly scheduler: ScheduleTarget;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** How far the cron lines of a sense were followed; null when they never were. */
  lastCronTick(sense: string): number | null;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

/** What reading nerve.yaml anew came to. */
export interface Reread {
  readonly changes: readonly ReloadChange[];
  /** Units whose definition changed, so that their next work gets a new process. */
  readonly restarted: readonly UnitKey[];
  /** Errors when it was refused, else warnings. */
  readonly problems: readonly Problem[];
  /** Not 0: nothing was done, the file must stand unchanged for so long before it is taken. */
  readonly restMs: number;
}

const changesLoggedMax = 200;
const errorsShownMax = 20;

export class ConfigApplier {
  readonly #ports: ConfigApplierPorts;
  /** Units whose process must not end for being idle: it runs code that is no longer on disk. */
  readonly #held = new Set<UnitKey>();

  constructor(ports: ConfigApplierPorts) {
    this.#ports = ports;
  }

  /** Hands the first configuration to all parts. */
  begin(): void {
    this.#spread();
  }

  /** Reads nerve.yaml and puts it in force, unless it is wrong or, when nobody asked for it, may be about to go on. */
  async reread(byHand: boolean): Promise<Reread> {
    const nothing = { changes: [], restarted: [], restMs: 0 };
    const loaded = await loadNerveConfig(this.#ports.paths);
    if (!loaded.ok) {
      this.#refuse(loaded.error.filter(({ severity }) => severity === "error"));
      return { ...nothing, problems: loaded.error };
    }
    const { current } = this.#ports, { config, warnings } = loaded.value;
    const before = current.config, wasWrong = current.error !== null;
    const restMs = byHand || !takesOut(before, config) ? 0 : this.#restLeft();
    if (restMs > 0) return { ...nothing, problems: warnings, restMs };
    current.error = null;
    const changes = changesBetween(before, config);
    current.setConfig(config);
    const restarted = this.#spread();
    if (changes.length > 0 || restarted.length > 0 || wasWrong) this.#tellLoaded(changes, restarted, wasWrong);
    return { changes, restarted, problems: warnings, restMs: 0 };
  }

  /** How long nerve.yaml has yet to stand as it is; a time that the clock does not know is none. */
  #restLeft(): number {
    try {
      const { mtime } = Deno.statSync(this.#ports.paths.configFile), now = this.#ports.clock.now();
      const age = now - (mtime?.getTime() ?? -Infinity);
      return age < 0 ? 0 : Math.max(0, configSettleMs - age);
    } catch (thrown) {
      // Gone since it was read: the next look tells.
      if (thrown instanceof Deno.errors.NotFound) return configSettleMs;
      throw thrown;
    }
  }

  /** New work of the unit goes to a new process from now on; a quarantine or backoff is over. */
  replace(key: UnitKey): void {
    const { current, supervisor, workflows } = this.#ports, plan = current.unit(key);
    if (plan === undefined) return;
    this.#held.delete(key);
    supervisor.plan(plan);
    supervisor.replace(key);
    supervisor.reset(key);
    if (plan.spec.kind === "workflow") workflows.codeReplaced(plan.spec.name);
  }

  /** The unit's process stays until `replace` or `letGo`, even when it is idle. */
  hold(key: UnitKey): void {
    const { current, supervisor } = this.#ports, plan = current.unit(key);
    if (plan === undefined) return;
    this.#held.add(key);
    supervisor.plan({ ...plan, keepAlive: true });
  }

  letGo(key: UnitKey): void {
    const { current, supervisor } = this.#ports, plan = current.unit(key);
    if (!this.#held.delete(key) || plan === undefined) return;
    supervisor.plan(plan);
    supervisor.released(key);
  }

  /** Gives every part its share of `current`. The units whose process is replaced because their definition changed. */
  #spread(): UnitKey[] {
    const { current, supervisor, senses, workflows, scheduler, lastCronTick } = this.#ports, { config } = current;
    const plans = planUnits(config, this.#ports.paths), changed: UnitKey[] = [];
    const gone = new Set(current.units.map(({ key }) => key));
    for (const plan of plans) {
      const { key } = plan, before = current.unit(key);
      gone.delete(key);
      current.putUnit(plan);
      if (before !== undefined && !sameDefinition(before, plan)) changed.push(key);
      else if (before !== undefined) this.#goOn(before, plan);
      else supervisor.plan(plan);
    }
    // Before the manager gives out what waits: it must not go to a process that is on its way out.
    for (const key of changed) this.replace(key);
    for (const limits of computeLimits(config)) senses.plan(limits);
    workflows.configure(workflowPlans(config));
    scheduler.setPlans(schedulePlans(config, lastCronTick));
    senses.keepOnly(config.senses);
    for (const key of gone) {
      current.removeUnit(key);
      this.#held.delete(key);
      supervisor.remove(key);
    }
    return changed;
  }

  #goOn(before: UnitPlan, plan: UnitPlan): void {
    const { supervisor } = this.#ports, { key, spec } = plan;
    supervisor.plan(this.#held.has(key) ? { ...plan, keepAlive: true } : plan);
    if (before.keepAlive && !plan.keepAlive) supervisor.released(key);
    if (spec.kind !== "group" || before.spec.allSenses.join() === spec.allSenses.join()) return;
    supervisor.present(key)?.send({ t: "senses", all: spec.allSenses });
  }

  #refuse(errors: readonly Problem[]): void {
    const shown = errors.slice(0, errorsShownMax), more = errors.length - shown.length;
    const text = formatProblems(shown, "text") + (more > 0 ? `\n(and ${more} more)` : "");
    if (text === this.#ports.current.error) return;
    this.#ports.current.error = text;
    this.#row("config.refused", { errors: errors.length, message: text });
    const [first] = text.split("\n"), rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    const message = `nerve.yaml was refused, the one before stays in force: ${first}${rest}`;
    this.#ports.emit({ kind: "problem", source: "kernel", message, ts: this.#ports.clock.now() });
  }

  #tellLoaded(changes: readonly ReloadChange[], restarted: readonly UnitKey[], wasWrong: boolean): void {
    this.#row("config.loaded", {
      changes: changes.slice(0, changesLoggedMax).map((change) => ({ ...change })),
      changed: changes.length,
      restarted: restarted.slice(0, changesLoggedMax),
    });
    const list = changes.slice(0, 5).map(({ of, change }) => `${of} ${change}`);
    if (changes.length > list.length) list.push(`and ${changes.length - list.length} more`);
    const what = list.length > 0
      ? list.join(", ")
      : wasWrong
      ? "it is good again, and nothing changed"
      : "grants changed";
    const message = `nerve.yaml was loaded: ${what}`;
    this.#ports.emit({ kind: "log", source: "kernel", level: "info", message, ts: this.#ports.clock.now() });
  }

  #row(type: "config.loaded" | "config.refused", payload: NewLogRow["payload"]): void {
    this.#ports.append({ source: "kernel", type, refId: null, causeId: null, payload });
  }
}

/** All problems that matter to whoever asked for a reload, errors first. */
export function worstFirst(problems: readonly Problem[]): readonly Problem[] {
  return hasErrors(problems) ? problems.filter(({ severity }) => severity === "error") : problems;
}
