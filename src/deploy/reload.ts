/**
 * Brings the running kernel to what is on disk: nerve.yaml through config_applier.ts, and the code of every group and
 * workflow whose files changed. Made by kernel.ts; called by file_watcher.ts, by `POST /v1/reload` and by SIGHUP.
 * I1. What it ends in is what a fresh start would give, but for code that does not load while the code before it runs.
 * I2. New code is tried on an empty database first; when it does not load, the process that has the old code stays.
 * I3. Only a version that was the same before and after the trial is judged: half a save is neither refused nor run.
 * I4. Passes never overlap, and each begins with a scan: nothing that was written before a pass began is missed.
 */
import { concurrentTrialsMax, idleTrialsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { ReloadReply } from "../protocol/api.ts";
import type { UnitKey } from "../protocol/unit.ts";
import { type CodeVersion, CodeVersions } from "./code_version.ts";
import { type ConfigApplier, worstFirst } from "./config_applier.ts";
import type { CurrentConfig } from "./current_config.ts";
import type { LoadErrors } from "./load_errors.ts";
import type { RunningUnits, SenseLoads } from "./ports.ts";
import { type TrialProblems, tryToLoad } from "./trial_load.ts";
import { type Snapshot, WorkspaceScan } from "./workspace_scan.ts";

export interface ReloadPorts {
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly current: CurrentConfig;
  readonly applier: ConfigApplier;
  readonly errors: LoadErrors;
  readonly supervisor: Pick<Supervisor, "present" | "quarantined">;
  readonly senses: SenseLoads;
  readonly units: RunningUnits;
  problem(message: string): void;
}

/** The version of each sense of a group, or of the one workflow. */
type Versions = ReadonlyMap<string, CodeVersion>;

interface Seen {
  readonly versions: Versions;
  /** When the look that found it began, in monotonic time. */
  readonly at: number;
}

interface Change {
  readonly plan: UnitPlan;
  readonly before: Seen;
  readonly now: Seen;
  /** False: no process has the old code, so there is nothing to keep. */
  readonly running: boolean;
}

/** Files that are written without a pause must not keep a caller of `reload` waiting for ever. */
const roundsMax = 5;

type Collected = { -readonly [Key in keyof ReloadReply]: ReloadReply[Key] };

export class Reload {
  readonly #ports: ReloadPorts;
  readonly #scan: WorkspaceScan;
  /** The version in force of each unit, as a look at the disk last found it there. */
  readonly #accepted = new Map<UnitKey, Seen>();
  readonly #refused = new Map<UnitKey, Versions>();
  readonly #gone = new AbortController();
  #queue: Promise<unknown> = Promise.resolve();
  #waiting: Promise<ReloadReply> | null = null;
  /** Digest of the disk as of the last pass. */
  #seen = "";
  #incomplete: string | null = null;

  constructor(ports: ReloadPorts) {
    this.#ports = ports;
    this.#scan = new WorkspaceScan(ports.paths, ports.clock);
  }

  /** Takes what is on disk for what the processes will load. To be called before the first of them starts. */
  async begin(): Promise<void> {
    const at = this.#ports.clock.monotonic(), versions = this.#versions(await this.#scan.scan());
    for (const plan of this.#ports.current.units) this.#accepted.set(plan.key, { at, versions: versions(plan) });
  }

  /** Something may have changed. Resolves when the disk has been looked at, and what was found is in force or refused. */
  async check(): Promise<void> {
    this.#waiting ??= this.#enqueue(false);
    await this.#waiting;
  }

  /** As `check`, also when nothing seems to have changed, and with an answer. What was refused is tried again. */
  async reload(): Promise<ReloadReply> {
    return await this.#enqueue(true);
  }

  /** Waits for the pass under way, whose trials end at once. */
  async stop(): Promise<void> {
    this.#gone.abort();
    await this.#queue;
  }

  #enqueue(byHand: boolean): Promise<ReloadReply> {
    const pass = this.#queue.then(() => {
      if (!byHand) this.#waiting = null;
      return this.#pass(byHand);
    });
    // Whoever asked hears of a failure; the next pass goes on.
    this.#queue = pass.catch(() => {});
    return pass;
  }

  async #pass(byHand: boolean): Promise<ReloadReply> {
    const reply: Collected = { configError: null, changes: [], replaced: [], problems: [] };
    for (let round = 0; round < roundsMax && !this.#gone.signal.aborted; round++) {
      const at = this.#ports.clock.monotonic(), snapshot = await this.#scan.scan(), again = byHand && round === 0;
      this.#tellIncomplete(snapshot.incomplete);
      if (snapshot.digest === this.#seen && !again) break;
      // Not before it is done: what fails, such as on a folder that cannot be read, is tried again.
      this.#seen = "";
      const restMs = await this.#configure(reply, byHand);
      if (restMs > 0) {
        await this.#rest(restMs);
        continue;
      }
      const settled = await this.#follow(this.#versions(snapshot), at, reply, again);
      if (settled) this.#seen = snapshot.digest;
    }
    return { ...reply, replaced: [...new Set(reply.replaced)], configError: this.#ports.current.error };
  }

  /** How long nerve.yaml has to rest before it is taken; 0 when it was taken, or refused. */
  async #configure(reply: Collected, byHand: boolean): Promise<number> {
    const { changes, restarted, problems, restMs } = await this.#ports.applier.reread(byHand);
    for (const key of restarted) {
      // Its next process loads what is on disk, as at a start.
      this.#accepted.delete(key);
      this.#forget(key);
    }
    const units = new Set(this.#ports.current.units.map(({ key }) => key));
    for (const key of [...this.#accepted.keys()]) {
      if (units.has(key)) continue;
      this.#accepted.delete(key);
      this.#forget(key);
    }
    reply.changes = [...reply.changes, ...changes];
    reply.replaced = [...reply.replaced, ...restarted];
    // Of several rounds the last one's are those that still hold.
    reply.problems = worstFirst(problems).map(({ path, message, place }) => ({ about: path, message, place }));
    return restMs;
  }

  /** Ends early when the kernel stops. */
  async #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>(), { signal } = this.#gone;
    const cancel = this.#ports.clock.after(ms, resolve);
    const end = () => resolve();
    signal.addEventListener("abort", end);
    await promise;
    signal.removeEventListener("abort", end);
    cancel();
  }

  /** Replaces the units whose code is not the accepted one, if it loads. False: files changed during the trials. */
  async #follow(
    versions: (plan: UnitPlan) => Versions,
    at: number,
    reply: Collected,
    again: boolean,
  ): Promise<boolean> {
    const changes: Change[] = [], { supervisor } = this.#ports;
    for (const plan of this.#ports.current.units) {
      const { key } = plan, now = { at, versions: versions(plan) }, before = this.#accepted.get(key);
      if (before === undefined) this.#accepted.set(key, now);
      else if (same(before.versions, now.versions)) {
        this.#forget(key);
        // Whoever asks for a reload wants its runs to go on. What keeps dying for another reason comes back to it.
        if (again && plan.spec.kind === "workflow" && supervisor.quarantined(key)) this.#ports.units.reset(key);
        if (this.#mayHaveLoadedOther(plan, before, now)) this.#take({ plan, before, now, running: true }, reply);
        else this.#accepted.set(key, now);
      } else if (again || !same(this.#refused.get(key), now.versions)) {
        changes.push({ plan, before, now, running: supervisor.present(key) !== null });
      } else reply.problems.push(...this.#ports.errors.of(key));
    }
    const idle = changes.filter(({ running }) => !running), running = changes.filter((change) => change.running);
    for (const change of idle) this.#take(change, reply);
    const waiting = [...running, ...idle.length <= idleTrialsMax ? idle : []];
    let settled = true;
    await Promise.all(Array.from({ length: concurrentTrialsMax }, async () => {
      for (let change = waiting.shift(); change !== undefined; change = waiting.shift()) {
        if (!await this.#try(change, reply)) settled = false;
      }
    }));
    return settled;
  }

  /**
   * Whether files were written and are again what they were, and the process may have loaded them in between: two quick
   * checkouts. What it had loaded when we last found this version was that.
   */
  #mayHaveLoadedOther({ key }: UnitPlan, before: Seen, now: Seen): boolean {
    const { supervisor, units } = this.#ports, process = supervisor.present(key);
    if (process === null) return false;
    return [...now.versions].some(([name, { stamp }]) =>
      before.versions.get(name)?.stamp !== stamp && units.loadedAt(process, name) >= before.at
    );
  }

  /** False: it is not judged, because its files changed meanwhile or the kernel stops. */
  async #try(change: Change, reply: Collected): Promise<boolean> {
    const { paths, clock, errors } = this.#ports, { plan, now: { versions } } = change, { key } = plan;
    const where = { runtimeFolder: paths.runtimeFolder, workspace: paths.root };
    const problems = await tryToLoad(plan, where, clock, this.#gone.signal);
    if (this.#gone.signal.aborted) return false;
    if (!same(versions, this.#versions(await this.#scan.scan())(plan))) return false;
    const keeps = change.running ? this.#ports.supervisor.present(key) : null;
    if (keeps !== null && this.#blocks(change, problems)) {
      this.#refused.set(key, versions);
      this.#ports.applier.hold(key);
      errors.refused(plan, problems, keeps.id);
    } else {
      if (change.running) this.#take(change, reply);
      errors.tried(plan, problems);
    }
    reply.problems.push(...errors.of(key));
    return true;
  }

  /** A sense that did not load before, or whose code is the same, holds none of its siblings back. */
  #blocks({ plan, before, now }: Change, problems: TrialProblems): boolean {
    if (plan.spec.kind === "workflow") return problems.size > 0;
    const { senses } = this.#ports;
    const wasFine = (name: string) => (senses.record(name)?.loadProblems.length ?? 0) === 0;
    const changed = (name: string) => before.versions.get(name)?.content !== now.versions.get(name)?.content;
    return [...problems.keys()].some((name) => changed(name) && wasFine(name));
  }

  #take({ plan: { key }, now }: Change, reply: Collected): void {
    this.#accepted.set(key, now);
    this.#forget(key);
    this.#ports.applier.replace(key);
    this.#ports.units.onReplaced(key);
    reply.replaced.push(key);
  }

  #forget(key: UnitKey): void {
    this.#refused.delete(key);
    this.#ports.errors.forget(key);
    this.#ports.applier.letGo(key);
  }

  #versions(snapshot: Snapshot): (plan: UnitPlan) => Versions {
    const code = new CodeVersions(this.#ports.paths.root, snapshot);
    return ({ spec }) =>
      spec.workflow === null
        ? new Map(spec.senses.map(({ name }) => [name, code.of(`senses/${name}`)]))
        : new Map([[spec.name, code.of(`workflows/${spec.name}`)]]);
  }

  #tellIncomplete(incomplete: string | null): void {
    if (incomplete !== null && incomplete !== this.#incomplete) {
      this.#ports.problem(`the code cannot be watched as a whole: ${incomplete}`);
    }
    this.#incomplete = incomplete;
  }
}

function same(a: Versions | undefined, b: Versions): boolean {
  return a !== undefined && a.size === b.size &&
    [...a].every(([name, { content }]) => b.get(name)?.content === content);
}
