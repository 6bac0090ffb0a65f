/**
 * Updates the running kernel to what is on disk: nerve.yaml through config_applier.ts, and the code of every group and
 * workflow whose files changed. Created by kernel/wiring.ts; called by file_watcher.ts, `POST /v1/reload` and SIGHUP.
 * I1. The result is the same as after a restart, except for code that does not load while its previous version runs.
 * I2. New code is tried on an empty database first. If it does not load, the process with the old code stays.
 * I3. A version counts only if it is the same before and after the trial: a half-saved file is neither refused nor run.
 * I4. While the permission lock holds a part of a unit, the unit's process keeps its old code: the new code may need
 *     permissions that were not approved. Its next process loads what is on disk, with the old permissions.
 * I5. Passes never overlap, and each begins with a scan: nothing that was written before a pass began is missed.
 */
import { concurrentTrialsMax, idleTrialsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { ReloadReply } from "../protocol/api.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { isSameContent, type Versions, versionsIn } from "./code_version.ts";
import { type ConfigApplier, keepWorst } from "./config_applier.ts";
import type { CurrentConfig } from "./current_config.ts";
import type { LoadErrors } from "./load_errors.ts";
import type { RunningUnits, SenseLoads } from "./ports.ts";
import { type TrialProblems, tryToLoad } from "./trial_load.ts";
import type { VariablesInForce } from "./variables.ts";
import { type Snapshot, WorkspaceScan } from "./workspace_scan.ts";

export interface ReloadPorts {
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** How processes are started. */
  readonly launch: Launch;
  readonly current: CurrentConfig;
  readonly variables: VariablesInForce;
  readonly applier: ConfigApplier;
  readonly errors: LoadErrors;
  readonly supervisor: Pick<UnitSupervisor, "findProcess" | "isQuarantined">;
  readonly senses: SenseLoads;
  readonly units: RunningUnits;
  reportProblem(message: string): void;
}

interface SeenVersions {
  readonly versions: Versions;
  /** When the scan that found them began, in monotonic time. */
  readonly at: number;
}

interface Change {
  readonly plan: UnitPlan;
  readonly before: SeenVersions;
  readonly now: SeenVersions;
  /** False: no process has the old code, so there is none to keep. */
  readonly running: boolean;
}

/** Files that are written continuously must not keep a caller of `reload` waiting forever. */
const roundsMax = 5;

type Collected = { -readonly [Key in keyof ReloadReply]: ReloadReply[Key] };

export class Reload {
  readonly #ports: ReloadPorts;
  readonly #scan: WorkspaceScan;
  /** The version in force of each unit, as the last scan found it. */
  readonly #accepted = new Map<UnitKey, SeenVersions>();
  readonly #refused = new Map<UnitKey, Versions>();
  /** Workflows whose definition changed: whether they load may have changed too, as with `approvers`. */
  readonly #untried = new Set<UnitKey>();
  readonly #stopping = new AbortController();
  #queue: Promise<unknown> = Promise.resolve();
  #queuedCheck: Promise<ReloadReply> | null = null;
  /** Digest of the workspace as of the last pass. */
  #seenDigest = "";
  #incomplete: string | null = null;

  constructor(ports: ReloadPorts) {
    this.#ports = ports;
    this.#scan = new WorkspaceScan(ports.paths, ports.clock);
  }

  /** Records what is on disk as the version that processes will load. Call this before the first process starts. */
  async begin(): Promise<void> {
    const at = this.#ports.clock.monotonic(),
      versions = this.#versionsIn(await this.#scan.scan(this.#ports.variables.path));
    for (const plan of this.#ports.current.units) this.#accepted.set(plan.key, { at, versions: versions(plan) });
    this.#ports.applier.reportHeld();
  }

  /** The version of the code of a unit that its new processes load: equal for equal code. Empty for an unknown unit. */
  contentOf(key: UnitKey): string {
    const versions = this.#accepted.get(key)?.versions.values() ?? [];
    return [...versions].map(({ content }) => content).join("\n");
  }

  /** Call this when something may have changed. Resolves when the changes on disk are in force or refused. */
  async check(): Promise<void> {
    this.#queuedCheck ??= this.#enqueue(false);
    await this.#queuedCheck;
  }

  /** Like `check`, even if nothing seems to have changed, and with a reply. Tries refused code again. */
  async reload(): Promise<ReloadReply> {
    return await this.#enqueue(true);
  }

  /** Ends running trials at once, and waits for the current pass. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#queue;
  }

  #enqueue(requested: boolean): Promise<ReloadReply> {
    const pass = this.#queue.then(() => {
      if (!requested) this.#queuedCheck = null;
      return this.#runPass(requested);
    });
    // The caller gets the failure; the next pass runs all the same.
    this.#queue = pass.catch(() => {});
    return pass;
  }

  async #runPass(requested: boolean): Promise<ReloadReply> {
    const reply: Collected = { configError: null, changes: [], replaced: [], problems: [] };
    for (let round = 0; round < roundsMax && !this.#stopping.signal.aborted; round++) {
      const at = this.#ports.clock.monotonic(),
        snapshot = await this.#scan.scan(this.#ports.variables.path),
        again = requested && round === 0;
      this.#reportIncomplete(snapshot.incomplete);
      if (snapshot.digest === this.#seenDigest && !again) break;
      // Set only after success: a pass that fails, such as on an unreadable folder, is repeated.
      this.#seenDigest = "";
      const settleMs = await this.#applyConfig(reply, requested);
      if (settleMs > 0) {
        await this.#waitUnlessStopped(settleMs);
        continue;
      }
      const settled = await this.#replaceChanged(this.#versionsIn(snapshot), at, reply, again);
      if (settled) this.#seenDigest = snapshot.digest;
    }
    return { ...reply, replaced: [...new Set(reply.replaced)], configError: this.#ports.current.error };
  }

  /** How long nerve.yaml must settle before it is applied; 0 when it was applied or refused. */
  async #applyConfig(reply: Collected, requested: boolean): Promise<number> {
    const { changes, restarted, problems, held, settleMs } = await this.#ports.applier.reread(requested);
    for (const key of restarted) {
      // Its next process loads what is on disk, as at a start.
      this.#accepted.delete(key);
      if (this.#ports.current.findUnit(key)?.spec.kind === "workflow") this.#untried.add(key);
      this.#clearRefusal(key);
    }
    const units = new Set(this.#ports.current.units.map(({ key }) => key));
    for (const key of [...this.#accepted.keys()]) {
      if (units.has(key)) continue;
      this.#accepted.delete(key);
      this.#clearRefusal(key);
    }
    reply.changes = [...reply.changes, ...changes];
    reply.replaced = [...reply.replaced, ...restarted];
    // Only the problems of the last round still hold.
    reply.problems = [
      ...keepWorst(problems).map(({ path, message, place }) => ({ about: path, message, place })),
      ...held.map((each) => ({ ...each, place: null })),
    ];
    return settleMs;
  }

  /** Resolves early when the kernel stops. */
  async #waitUnlessStopped(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>(), { signal } = this.#stopping;
    const cancel = this.#ports.clock.after(ms, resolve);
    const end = () => resolve();
    signal.addEventListener("abort", end);
    await promise;
    signal.removeEventListener("abort", end);
    cancel();
  }

  /**
   * Replaces units whose code differs from the accepted version, if it loads. False: files changed during the trials.
   */
  async #replaceChanged(
    versions: (plan: UnitPlan) => Versions,
    at: number,
    reply: Collected,
    again: boolean,
  ): Promise<boolean> {
    const changes: Change[] = [], { supervisor, current, errors } = this.#ports;
    for (const plan of current.units) {
      const { key } = plan, now = { at, versions: versions(plan) }, before = this.#accepted.get(key);
      if (before === undefined) this.#accepted.set(key, now);
      else if (isSameContent(before.versions, now.versions)) {
        if (!errors.isBroken(key) || supervisor.findProcess(key) !== null) this.#clearRefusal(key);
        else if (again) this.#untried.add(key);
        // A requested reload lifts quarantines, so that runs continue. A unit that keeps dying is quarantined again.
        if (again && plan.spec.kind === "workflow" && supervisor.isQuarantined(key)) this.#ports.units.resetUnit(key);
        if (this.#mayHaveLoadedOther(plan, before, now)) this.#accept({ plan, before, now, running: true }, reply);
        else this.#accepted.set(key, now);
      } else if (current.isHeld(key) && supervisor.findProcess(key) !== null) this.#ports.applier.holdProcess(key);
      else if (again || !isSameContent(this.#refused.get(key), now.versions)) {
        changes.push({ plan, before, now, running: supervisor.findProcess(key) !== null });
      } else reply.problems.push(...errors.listProblems(key));
    }
    const idle = changes.filter(({ running }) => !running), running = changes.filter((change) => change.running);
    for (const change of idle) this.#accept(change, reply);
    const untried = this.#takeUntried(changes, versions, at);
    const waiting = [...running, ...idle.length + untried.length <= idleTrialsMax ? [...idle, ...untried] : []];
    let settled = true;
    await Promise.all(Array.from({ length: concurrentTrialsMax }, async () => {
      for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
        if (!await this.#tryChange(change, reply)) settled = false;
      }
    }));
    return settled;
  }

  #takeUntried(changes: readonly Change[], versions: (plan: UnitPlan) => Versions, at: number): Change[] {
    const { current } = this.#ports;
    const plans = [...this.#untried].flatMap((key) => current.isHeld(key) ? [] : current.findUnit(key) ?? []);
    this.#untried.clear();
    return plans.filter(({ key }) => !changes.some(({ plan }) => plan.key === key)).map((plan) => {
      const now = { at, versions: versions(plan) };
      return { plan, before: now, now, running: false };
    });
  }

  /**
   * Whether files were changed and changed back, and the process may have loaded them in between, such as after two
   * quick checkouts. Whatever it loaded before the scan that last found this version was this version.
   */
  #mayHaveLoadedOther({ key }: UnitPlan, before: SeenVersions, now: SeenVersions): boolean {
    const { supervisor, units } = this.#ports, process = supervisor.findProcess(key);
    if (process === null) return false;
    return [...now.versions].some(([name, { stamp }]) =>
      before.versions.get(name)?.stamp !== stamp && units.loadedAt(process, name) >= before.at
    );
  }

  /** False: the trial does not count, because the files changed meanwhile or the kernel stops. */
  async #tryChange(change: Change, reply: Collected): Promise<boolean> {
    const { launch, clock, errors } = this.#ports, { plan, now: { versions } } = change, { key } = plan;
    const problems = await tryToLoad(plan, launch, clock, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return false;
    if (!isSameContent(versions, this.#versionsIn(await this.#scan.scan(this.#ports.variables.path))(plan))) {
      return false;
    }
    const keeps = change.running ? this.#ports.supervisor.findProcess(key) : null;
    if (keeps !== null && this.#isBlockedBy(change, problems)) {
      this.#refused.set(key, versions);
      this.#ports.applier.holdProcess(key);
      errors.recordRefused(plan, problems, keeps.id);
    } else {
      if (change.running) this.#accept(change, reply);
      errors.recordTried(plan, problems);
    }
    reply.problems.push(...errors.listProblems(key));
    return true;
  }

  /** Whether the problems block the change. A sense that did not load before, or did not change, blocks no sibling. */
  #isBlockedBy({ plan, before, now }: Change, problems: TrialProblems): boolean {
    if (plan.spec.kind === "workflow") return problems.size > 0;
    const { senses } = this.#ports;
    const wasFine = (name: string) => (senses.recordOf(name)?.loadProblems.length ?? 0) === 0;
    const changed = (name: string) => before.versions.get(name)?.content !== now.versions.get(name)?.content;
    return [...problems.keys()].some((name) => changed(name) && wasFine(name));
  }

  #accept({ plan: { key }, now }: Change, reply: Collected): void {
    this.#accepted.set(key, now);
    this.#clearRefusal(key);
    this.#ports.applier.replaceProcess(key);
    this.#ports.units.onReplaced(key);
    reply.replaced.push(key);
  }

  #clearRefusal(key: UnitKey): void {
    this.#refused.delete(key);
    this.#ports.errors.forget(key);
    this.#ports.applier.releaseProcess(key);
  }

  #versionsIn(snapshot: Snapshot): (plan: UnitPlan) => Versions {
    return versionsIn(this.#ports.paths.root, snapshot);
  }

  #reportIncomplete(incomplete: string | null): void {
    if (incomplete !== null && incomplete !== this.#incomplete) {
      this.#ports.reportProblem(`not all of the code can be watched: ${incomplete}`);
    }
    this.#incomplete = incomplete;
  }
}
