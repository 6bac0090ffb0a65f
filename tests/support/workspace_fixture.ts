/**
 * A kernel on a real workspace in a temporary folder, for tests: real processes, real SQLite, and events for which a
 * test waits. Nothing here sleeps; a wait that lasts too long fails and shows what has happened instead.
 * When it is disposed of, the kernel stops, no process may still work in the workspace, and the folder is removed.
 *
 *     await using workspace = await startWorkspace({ senses: { ping: "export const compute = () => ({ ok: true });" }
 *     }); const result = await workspace.trigger("ping");
 *     const { signal } = await workspace.signal("ping");
 */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { type Clock, delay } from "../../src/base/time.ts";
import { formatProblems } from "../../src/config/diagnostic.ts";
import { loadNerveConfig } from "../../src/config/load.ts";
import type { NerveConfig } from "../../src/config/types.ts";
import { type WorkspacePaths, workspacePaths } from "../../src/config/workspace.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { type Isolation, systemIsolation } from "../../src/process/isolation.ts";
import type { ComputeResult, Health, SenseView, UnitView } from "../../src/protocol/api.ts";
import type { KernelEvent, UnitChange } from "../../src/protocol/event.ts";
import type { LogFilter, LogRow } from "../../src/protocol/log.ts";
import { dirname, join } from "./paths.ts";

/**
 * Longer than anything in a test takes, even on a machine that is busy with other tests, or stalls for half a minute.
 */
export const deadlineMs = 120_000;

export interface WorkspaceOptions {
  /** nerve.yaml as text or as a value. Default: every sense and workflow of the files, without settings. */
  readonly yaml?: string | Readonly<Record<string, unknown>>;
  /** Text of senses/NAME/index.ts, and of workflows/NAME/index.ts. */
  readonly senses?: Readonly<Record<string, string>>;
  readonly workflows?: Readonly<Record<string, string>>;
  /** Further files, by their path in the workspace. */
  readonly files?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  /** Whether the kernel watches files for changes; default: no. */
  readonly watch?: boolean;
  /** Which isolation user code gets; default: all that this system has. */
  readonly isolation?: Isolation;
}

/** One kind of event, as `Extract` finds it. */
type EventOf<Kind extends KernelEvent["kind"]> = Extract<KernelEvent, { kind: Kind }>;

/** Makes the workspace and starts a kernel on it. */
export async function startWorkspace(options: WorkspaceOptions): Promise<WorkspaceFixture> {
  const fixture = await makeWorkspace(options);
  await fixture.start();
  return fixture;
}

/** Creates only the workspace, for tests that start the kernel themselves, or none. */
export async function makeWorkspace(options: WorkspaceOptions): Promise<WorkspaceFixture> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-test-" }));
  const fixture = new WorkspaceFixture(root, options);
  for (const [name, text] of Object.entries(options.senses ?? {})) fixture.write(`senses/${name}/index.ts`, text);
  for (const [name, text] of Object.entries(options.workflows ?? {})) fixture.write(`workflows/${name}/index.ts`, text);
  for (const [path, text] of Object.entries(options.files ?? {})) fixture.write(path, text);
  const { yaml = defaultYaml(options) } = options;
  fixture.write("nerve.yaml", typeof yaml === "string" ? yaml : stringify(yaml));
  return fixture;
}

function defaultYaml({ senses = {}, workflows = {} }: WorkspaceOptions): Record<string, unknown> {
  const empty = (names: string[]) => Object.fromEntries(names.map((name) => [name, {}]));
  return { senses: empty(Object.keys(senses)), workflows: empty(Object.keys(workflows)) };
}

export class WorkspaceFixture implements AsyncDisposable {
  readonly root: string;
  readonly paths: WorkspacePaths;
  /** Every event since the fixture was made, over all its kernels. */
  readonly events: KernelEvent[] = [];
  readonly #clock: Clock;
  readonly #options: WorkspaceOptions;
  readonly #waiting = new Set<(event: KernelEvent) => void>();
  #kernel: Kernel | null = null;
  #listening: Promise<void> = Promise.resolve();

  constructor(root: string, options: WorkspaceOptions) {
    this.root = root;
    this.#options = options;
    this.paths = workspacePaths(root);
    this.#clock = options.clock ?? systemClock;
  }

  get kernel(): Kernel {
    assert.ok(this.#kernel !== null, "the kernel of this workspace is not running");
    return this.#kernel;
  }

  write(path: string, text: string): void {
    const full = join(this.root, path);
    Deno.mkdirSync(dirname(full), { recursive: true });
    Deno.writeTextFileSync(full, text);
  }

  /** The configuration on disk; fails the test with its problems when it is wrong. Warnings do not matter. */
  async config(): Promise<NerveConfig> {
    const loaded = await loadNerveConfig(this.paths);
    if (!loaded.ok) assert.fail(formatProblems(loaded.error, "text"));
    return loaded.value.config;
  }

  async start(): Promise<Kernel> {
    assert.equal(this.#kernel, null, "the kernel of this workspace runs already");
    const holder = { kind: "foreground", program: "nerve" } as const;
    const { watch = false, isolation = systemIsolation() } = this.#options;
    const kernel = new Kernel(await this.config(), this.root, { holder, clock: this.#clock, watch, isolation });
    this.#kernel = kernel;
    this.#listening = this.#listen(kernel);
    await within(kernel.ready, "the kernel to be ready", () => this.#story());
    return kernel;
  }

  /** Stops the kernel, if one runs; no process may be left. */
  async stop(): Promise<void> {
    const kernel = this.#kernel;
    if (kernel === null) return;
    this.#kernel = null;
    await within(kernel.stop(), "the kernel to stop", () => this.#story());
    await this.#listening;
    await noProcessIn(this.root);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.root, { recursive: true });
    await Deno.remove(this.paths.runtimeFolder, { recursive: true }).catch(ignoreMissing);
  }

  /** The outcome of the compute that answers this trigger. */
  trigger(sense: string): Promise<ComputeResult> {
    return within(this.kernel.triggerSense(sense), `a compute of ${sense}`, () => this.#story());
  }

  /**
   * The message of a compute that ends in an error, a timeout or a dead group; fails the test for any other outcome.
   */
  async failure(sense: string): Promise<Extract<ComputeResult, { kind: "error" }>> {
    const result = await this.trigger(sense);
    if (result.kind !== "error") assert.fail(`${sense} did not fail: ${JSON.stringify(result)}`);
    return result;
  }

  /** The payload of a signal; fails the test when the compute has any other outcome. */
  payload(sense: string): Promise<unknown> {
    return heardLater(
      this.trigger(sense).then((result) => {
        if (result.kind !== "signal") assert.fail(`${sense} gave no signal: ${JSON.stringify(result)}`);
        return result.signal.payload;
      }),
    );
  }

  /**
   * The first matching event among those since `from` (default: all so far) and later ones. `from` is an earlier length
   * of `events`: `const from = workspace.events.length`.
   */
  waitFor<E extends KernelEvent>(fits: (event: KernelEvent) => event is E, what: string, from?: number): Promise<E>;
  waitFor(fits: (event: KernelEvent) => boolean, what: string, from?: number): Promise<KernelEvent>;
  waitFor(fits: (event: KernelEvent) => boolean, what: string, from = 0): Promise<KernelEvent> {
    const known = this.events.slice(from).find(fits);
    if (known !== undefined) return Promise.resolve(known);
    const { promise, resolve } = Promise.withResolvers<KernelEvent>();
    const look = (event: KernelEvent) => {
      if (fits(event)) resolve(event);
    };
    this.#waiting.add(look);
    return within(promise, what, () => this.#story()).finally(() => this.#waiting.delete(look));
  }

  signal(sense: string, from?: number): Promise<EventOf<"signal">> {
    const fits = (event: KernelEvent): event is EventOf<"signal"> =>
      event.kind === "signal" && event.signal.sense === sense;
    return this.waitFor(fits, `a signal of ${sense}`, from);
  }

  /** `source` as in the log: `sense:NAME`, `group:NAME`. */
  problem(source: string, pattern: RegExp, from?: number): Promise<EventOf<"problem">> {
    const fits = (event: KernelEvent): event is EventOf<"problem"> =>
      event.kind === "problem" && event.source === source && pattern.test(event.message);
    return this.waitFor(fits, `a problem of ${source} like ${pattern}`, from);
  }

  /** `unit`: `group:NAME` or `workflow:NAME`. */
  change(unit: string, change: UnitChange, from?: number): Promise<EventOf<"unit">> {
    const fits = (event: KernelEvent): event is EventOf<"unit"> =>
      event.kind === "unit" && event.unit === unit && event.change === change;
    return this.waitFor(fits, `${unit} to be ${change}`, from);
  }

  log(source: string, pattern: RegExp, from?: number): Promise<EventOf<"log">> {
    const fits = (event: KernelEvent): event is EventOf<"log"> =>
      event.kind === "log" && event.source === source && pattern.test(event.message);
    return this.waitFor(fits, `${source} to say something like ${pattern}`, from);
  }

  /** A run that has the status. */
  run(status: string, from?: number): Promise<EventOf<"run">> {
    const fits = (event: KernelEvent): event is EventOf<"run"> => event.kind === "run" && event.run.status === status;
    return this.waitFor(fits, `a run that is ${status}`, from);
  }

  health(): Health {
    return this.kernel.health();
  }

  /** A group's or workflow's process, as health reports it. */
  unit(name: string): UnitView {
    const unit = this.health().units.find((each) => each.name === name);
    assert.ok(unit !== undefined, `there is no unit ${name}`);
    return unit;
  }

  pid(name: string): number {
    const { pid, state } = this.unit(name);
    assert.ok(pid !== null, `${name} has no process, it is ${state}`);
    return pid;
  }

  sense(name: string): SenseView {
    const view = this.kernel.api.sense(name);
    assert.ok(view !== null, `there is no sense ${name}`);
    return view;
  }

  /** Rows of the log, with everything that has happened so far. */
  async rows(filter: LogFilter): Promise<LogRow[]> {
    // Rows of one turn of the event loop are committed at its end.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    await this.kernel.api.recorded();
    return this.kernel.api.records.logs({ limit: 1_000, ...filter });
  }

  async #listen(kernel: Kernel): Promise<void> {
    for await (const event of kernel.events()) {
      this.events.push(event);
      for (const look of [...this.#waiting]) look(event);
    }
  }

  /** The last events, for the message of a wait that failed. */
  #story(): string {
    return this.events.slice(-15).map((event) => `  ${JSON.stringify(event).slice(0, 300)}`).join("\n");
  }
}

/** `promise`, or a failure that names what the test waited for. */
export function within<T>(promise: Promise<T>, what: string, story: () => string = () => ""): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.after(deadlineMs, () => {
      reject(new Error(`waited ${deadlineMs / 1000} s for ${what}; what happened:\n${story()}`));
    });
  });
  return heardLater(Promise.race([promise, late]).finally(() => cancel()));
}

/**
 * For a promise that a test begins here and awaits further down: if it rejects meanwhile, it fails the test at its
 * await. Without this it would end the whole file as an uncaught error, without the name of the test.
 */
export function heardLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Processes whose working directory is `folder`: those of its kernel, and the programs that those started. */
export function processesIn(folder: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      if (Deno.readLinkSync(`/proc/${name}/cwd`) === folder) found.push(Number(name));
    } catch {
      // Gone since the listing, a zombie, or another user's: not one of the test's.
    }
  }
  return found;
}

/** Resolves once no process is left in `folder`. It polls: a killed program is not this process's child. */
export async function noProcessIn(folder: string): Promise<void> {
  const latest = systemClock.monotonic() + deadlineMs;
  while (systemClock.monotonic() < latest) {
    if (processesIn(folder).length === 0) return;
    await delay(systemClock, 10);
  }
  const left = processesIn(folder).map((pid) => `${pid} ${Deno.readTextFileSync(`/proc/${pid}/cmdline`)}`);
  assert.deepEqual(left, [], "processes are left");
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}
