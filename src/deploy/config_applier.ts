/**
 * Applies a configuration to every part: at the start, and at each reload (reload.ts). All parts read `current`
 * (current_config.ts); none keeps a configuration of its own.
 * I1. An invalid nerve.yaml changes nothing but `error`, and is reported once; an empty one is invalid
 *     (config/load.ts). One that removes a sense, a workflow or a reflex must settle first, unless the reload was
 *     requested: half a file is often valid, and runs must not end because a file is being written.
 * I2. Only what changed is touched: the scheduler and the workflow manager compare plans themselves, and a process is
 *     replaced only if its own definition changed.
 * I3. What exceeds the permission lock is not applied, wherever it comes from (permission_lock.ts).
 */
import { configSettleMs } from "../base/watch_limits.ts";
import type { Clock } from "../base/time.ts";
import { type Diagnostic, formatProblems, hasErrors } from "../config/diagnostic.ts";
import { grantContext, loadNerveConfig } from "../config/load.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { ReloadChange } from "../protocol/api.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { diffConfigs, isSameDefinition, removesEntries } from "./config_diff.ts";
import type { CurrentConfig } from "./current_config.ts";
import type {
  AlertTarget,
  ApprovalsTarget,
  EngineTarget,
  HookTarget,
  ScheduleTarget,
  SenseTarget,
  WatchTarget,
  WorkflowScheduleTarget,
  WorkflowTarget,
} from "./ports.ts";
import { toComputeLimits, toSchedulePlans, toWatchPlans, toWorkflowPlans, toWorkflowSchedules } from "./stage_plans.ts";
import { listLockProblems, type PermissionLockInForce } from "./permission_lock.ts";
import { planUnits } from "./unit_plans.ts";
import type { VariablesInForce } from "./variables.ts";

export interface ConfigApplierPorts {
  readonly current: CurrentConfig;
  readonly lock: PermissionLockInForce;
  readonly variables: VariablesInForce;
  /** How processes are started. */
  readonly launch: Pick<Launch, "isolation">;
  readonly supervisor: Pick<
    UnitSupervisor,
    "putUnit" | "replaceProcess" | "resetUnit" | "release" | "removeUnit" | "findProcess"
  >;
  readonly senses: SenseTarget;
  readonly workflows: WorkflowTarget;
  readonly scheduler: ScheduleTarget;
  readonly watches: WatchTarget;
  readonly schedules: WorkflowScheduleTarget;
  readonly alerts: AlertTarget;
  readonly approvals: ApprovalsTarget;
  readonly hooks: HookTarget;
  readonly engineHost: EngineTarget;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** The time up to which a sense's cron lines were followed; null when they never were. */
  lastCronTick(sense: string): number | null;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

/** The result of reading nerve.yaml again. */
export interface RereadResult {
  readonly changes: readonly ReloadChange[];
  /** Units whose definition changed: their next work gets a new process. */
  readonly restarted: readonly UnitKey[];
  /** The errors if the file was refused, else the warnings. */
  readonly problems: readonly Diagnostic[];
  /** What the permission lock holds back, and the problem of an unusable `env_file`. */
  readonly held: readonly { readonly about: string; readonly message: string }[];
  /** If not 0, nothing was done: the file must stay unchanged for this long before it is applied. */
  readonly settleMs: number;
}

const changesLoggedMax = 200;
const errorsShownMax = 20;

export class ConfigApplier {
  readonly #ports: ConfigApplierPorts;
  /** Units whose process must not end when idle: it runs code that is no longer on disk. */
  readonly #held = new Set<UnitKey>();

  constructor(ports: ConfigApplierPorts) {
    this.#ports = ports;
  }

  /** Applies the first configuration to all parts. */
  applyFirst(): void {
    this.#applyToParts();
  }

  /** Reads nerve.yaml and applies it, unless it is invalid or, if not `requested`, must settle first. */
  async reread(requested: boolean): Promise<RereadResult> {
    const nothing = { changes: [], restarted: [], held: this.#listHeld(), settleMs: 0 };
    const landlock = () => this.#ports.launch.isolation.landlock;
    const loaded = await loadNerveConfig(this.#ports.paths, { ...grantContext, landlock });
    if (!loaded.ok) {
      this.#refuse(loaded.error.filter(({ severity }) => severity === "error"));
      return { ...nothing, problems: loaded.error };
    }
    const { current, lock } = this.#ports, { config } = loaded.value;
    // Diagnostics about held units are reported as `held`.
    const warnings = loaded.value.warnings.filter(({ severity }) => severity === "warning");
    const before = current.config, wasInvalid = current.error !== null;
    const bound = await lock.rebind(config, current.bound, requested);
    const settleMs = requested || !removesEntries(before, config) ? 0 : this.#remainingSettleMs();
    if (settleMs > 0) return { ...nothing, problems: warnings, settleMs };
    current.error = null;
    const changes = diffConfigs(before, bound.config);
    current.setConfig(bound);
    this.#ports.variables.reread(bound.config, requested);
    const restarted = this.#applyToParts();
    this.reportHeld();
    if (changes.length > 0 || restarted.length > 0 || wasInvalid) this.#reportLoaded(changes, restarted, wasInvalid);
    return { changes, restarted, problems: warnings, held: this.#listHeld(), settleMs: 0 };
  }

  /** Reports what is on disk but not in force, unless it was reported before. */
  reportHeld(): void {
    const { lock, variables, current } = this.#ports;
    lock.report(current.bound, this.#ports);
    variables.report(this.#ports);
  }

  #listHeld(): RereadResult["held"] {
    const { lock, variables, current } = this.#ports;
    const unused = variables.problem === null ? [] : [{ about: "env_file", message: variables.problem }];
    return [...listLockProblems(current.bound, lock.problem), ...unused];
  }

  /** How much longer nerve.yaml must stay unchanged. A modification time in the future does not count. */
  #remainingSettleMs(): number {
    try {
      const { mtime } = Deno.statSync(this.#ports.paths.configFile), now = this.#ports.clock.now();
      const age = now - (mtime?.getTime() ?? -Infinity);
      return age < 0 ? 0 : Math.max(0, configSettleMs - age);
    } catch (thrown) {
      // Removed since it was read: the next scan notices.
      if (thrown instanceof Deno.errors.NotFound) return configSettleMs;
      throw thrown;
    }
  }

  /** New work of the unit goes to a new process from now on. Lifts a quarantine or backoff. */
  replaceProcess(key: UnitKey): void {
    const { current, supervisor, workflows } = this.#ports, plan = current.findUnit(key);
    if (plan === undefined) return;
    this.#held.delete(key);
    supervisor.putUnit(plan);
    supervisor.replaceProcess(key);
    supervisor.resetUnit(key);
    if (plan.spec.kind === "workflow") workflows.onCodeReplaced(plan.spec.name);
  }

  /** Keeps the unit's process, even when idle, until `replaceProcess` or `releaseProcess`. */
  holdProcess(key: UnitKey): void {
    const { current, supervisor } = this.#ports, plan = current.findUnit(key);
    if (plan === undefined) return;
    this.#held.add(key);
    supervisor.putUnit({ ...plan, keepAlive: true, pinned: true });
  }

  releaseProcess(key: UnitKey): void {
    const { current, supervisor } = this.#ports, plan = current.findUnit(key);
    if (!this.#held.delete(key) || plan === undefined) return;
    supervisor.putUnit(plan);
    supervisor.release(key);
  }

  /** Applies `current` to every part. Returns the units whose process is replaced because their definition changed. */
  #applyToParts(): UnitKey[] {
    const { current, variables, supervisor, senses, workflows, scheduler, schedules, alerts, lastCronTick } =
      this.#ports;
    const { config } = current;
    const plans = planUnits(config, this.#ports.paths, current.bound.holds, variables.environment);
    const changed: UnitKey[] = [];
    const removed = new Set(current.units.map(({ key }) => key));
    for (const plan of plans) {
      const { key } = plan, before = current.findUnit(key);
      removed.delete(key);
      current.putUnit(plan);
      if (before !== undefined && !isSameDefinition(before, plan)) changed.push(key);
      else if (before !== undefined) this.#updateUnchanged(before, plan);
      else supervisor.putUnit(plan);
    }
    // Before the workflow manager dispatches: runs must not go to a process that is about to be replaced.
    for (const key of changed) this.replaceProcess(key);
    for (const limits of toComputeLimits(config)) senses.putSense(limits);
    this.#ports.engineHost.configure(config);
    workflows.configure(toWorkflowPlans(config));
    schedules.setPlans(toWorkflowSchedules(config));
    scheduler.setPlans(toSchedulePlans(config, lastCronTick));
    this.#ports.watches.setPlans(toWatchPlans(config, this.#ports.paths));
    // After the workflows, because alerts start them.
    alerts.configure(config.alerts.values());
    this.#ports.approvals.configure(config.approvals);
    // After the senses that listen.
    this.#ports.hooks.configure(config);
    senses.keepOnly(config.senses);
    for (const key of removed) {
      current.removeUnit(key);
      this.#held.delete(key);
      supervisor.removeUnit(key);
    }
    return changed;
  }

  #updateUnchanged(before: UnitPlan, plan: UnitPlan): void {
    const { supervisor } = this.#ports, { key, spec } = plan;
    supervisor.putUnit(this.#held.has(key) ? { ...plan, keepAlive: true, pinned: true } : plan);
    if (before.keepAlive && !plan.keepAlive) supervisor.release(key);
    if (before.spec.allSenses.join() === spec.allSenses.join()) return;
    supervisor.findProcess(key)?.send({ t: "senses", all: spec.allSenses });
  }

  #refuse(errors: readonly Diagnostic[]): void {
    const shown = errors.slice(0, errorsShownMax), more = errors.length - shown.length;
    const text = formatProblems(shown, "text") + (more > 0 ? `\n(and ${more} more)` : "");
    if (text === this.#ports.current.error) return;
    this.#ports.current.error = text;
    this.#appendRow("config.refused", { errors: errors.length, message: text });
    const [first] = text.split("\n"), rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    const message = `nerve.yaml was refused; the previous one stays in force: ${first}${rest}`;
    this.#ports.emit({ kind: "problem", source: "kernel", message, ts: this.#ports.clock.now() });
  }

  #reportLoaded(changes: readonly ReloadChange[], restarted: readonly UnitKey[], wasInvalid: boolean): void {
    this.#appendRow("config.loaded", {
      changes: changes.slice(0, changesLoggedMax).map((change) => ({ ...change })),
      changed: changes.length,
      restarted: restarted.slice(0, changesLoggedMax),
    });
    const list = changes.slice(0, 5).map(({ of, change }) => `${of} ${change}`);
    if (changes.length > list.length) list.push(`and ${changes.length - list.length} more`);
    const what = list.length > 0
      ? list.join(", ")
      : wasInvalid
      ? "it is valid again, and nothing changed"
      : "grants or variables changed";
    const message = `nerve.yaml was loaded: ${what}`;
    this.#ports.emit({ kind: "log", source: "kernel", level: "info", message, ts: this.#ports.clock.now() });
  }

  #appendRow(type: "config.loaded" | "config.refused", payload: NewLogRow["payload"]): void {
    this.#ports.append({ source: "kernel", type, refId: null, causeId: null, payload });
  }
}

/** The problems to show to the user who requested a reload: the errors if there are any, else the warnings. */
export function keepWorst(problems: readonly Diagnostic[]): readonly Diagnostic[] {
  return hasErrors(problems) ? problems.filter(({ severity }) => severity === "error") : problems;
}
