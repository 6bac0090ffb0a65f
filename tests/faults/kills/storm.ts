/**
 * A real daemon with its supervisor, whose processes are killed, stopped and frozen again and again while 50 runs are in
 * flight and senses listen to each other; then judgement.ts looks for what was lost or done twice. `deno task faults`
 * runs it in full; storm_test.ts in short. The seed decides what is struck when; NERVE_SEED replays one.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import { nerveArguments } from "../../support/nerve_program.ts";
import { randomFrom, randomSeed } from "../../support/seed.ts";
import { processesIn, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";
import { type Findings, judge, type Outage } from "./judgement.ts";
import { makeStormWorkspace, quietDown, sideFiles } from "./workspace.ts";

export interface StormOptions {
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

const inFlight = 50;
const killed = ["kernel", "supervisor", "senses", "workflow", "all"] as const;
type Victim = typeof killed[number];
/** Between two looks through all processes, which take some milliseconds each. */
const lookMs = 50;

/** Throws when a promise is broken; else returns the results for the table. */
export async function weather(options: StormOptions): Promise<Findings> {
  await using workspace = await makeStormWorkspace();
  const storm = new Storm(workspace, options);
  try {
    await storm.rage();
    await storm.settle();
    return judge(workspace, storm.counts, storm.outages);
  } finally {
    await storm.end();
  }
}

class Storm {
  readonly counts: Record<string, number> = {};
  /** When the daemon, or this machine, could not do its work. */
  readonly outages: Outage[] = [];
  readonly #workspace: WorkspaceFixture;
  readonly #options: StormOptions;
  readonly #random: () => number;
  readonly #client: ControlClient;
  readonly #stopWatching: () => void;
  #asked = 0;

  constructor(workspace: WorkspaceFixture, options: StormOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#random = randomFrom(options.seed);
    this.#client = new ControlClient(workspace.paths.socket);
    let last = Date.now();
    const timer = setInterval(() => {
      const now = Date.now();
      if (now - last > 500) this.outages.push({ from: last, to: now });
      last = now;
    }, 50);
    this.#stopWatching = () => clearInterval(timer);
  }

  async rage(): Promise<void> {
    await this.#start();
    for (let kill = 1; kill <= this.#options.kills; kill++) {
      await this.#keepInFlight();
      await delay(systemClock, Math.round(this.#random() ** 2 * 800));
      const rest = this.#random();
      if (rest < 0.1) await this.#freeze();
      else if (rest < 0.13) await this.#stopInOrder();
      const victim = killed[Math.floor(this.#random() * killed.length)] ?? "all";
      await this.#during(() => this.#kill(victim));
      this.#options.print(`kill ${kill} of ${this.#options.kills}: ${victim}`);
    }
  }

  /** Lets every listener hear what it has not heard, and every run end; then stops the daemon. */
  async settle(): Promise<void> {
    quietDown(this.#workspace);
    // What was told just before this stop is heard after it.
    await this.#stopInOrder();
    const done = async () => {
      for (;;) {
        await this.#liftQuarantines();
        // In this order: a listener that is done has started its runs.
        const isHeard = await this.#isHeard(), { runs } = await this.#client.health();
        if (isHeard && runs.active + runs.queued === 0) return;
        await delay(systemClock, 100);
      }
    };
    await within(done(), "every run to end", () => this.#output());
    await this.#nerve("stop");
    await this.#nothingLeft();
    await this.#nerve("store", "verify");
  }

  async end(): Promise<void> {
    this.#stopWatching();
    this.#client[Symbol.dispose]();
    for (const pid of processesOf(this.#workspace.root)) signal(pid, "SIGKILL");
    await this.#nothingLeft();
  }

  async #isHeard(): Promise<boolean> {
    if ((await this.#client.sense("tally")).state !== "idle") return false;
    const [last] = await this.#client.logs({
      source: "sense:beat",
      type: "sense.signal",
      order: "desc",
      limit: 1,
    });
    const heard = Deno.readTextFileSync(`${this.#workspace.root}/${sideFiles.heard}`).trimEnd().split("\n").at(-1);
    return last === undefined || Number(heard?.split(" ")[0]) >= last.id;
  }

  async #keepInFlight(): Promise<void> {
    const { runs } = await this.#client.health(), missing = inFlight - runs.active - runs.queued;
    const asked = Array.from({ length: Math.max(0, missing) }, () => `run-${++this.#asked}`);
    await Promise.all(asked.map((runId) => this.#client.startRun("six", { runId, payload: { of: runId } })));
  }

  async #kill(victim: Victim): Promise<void> {
    this.#count(`kill -9 of ${victim}`);
    const { pid: kernel, units } = await this.#client.health(), supervisor = parentOf(kernel);
    const pidsOf = (kind: string) => units.flatMap((unit) => unit.kind === kind && unit.pid !== null ? [unit.pid] : []);
    // Some requests must be on their way when it strikes: this one may be answered, or not.
    const runId = `run-${++this.#asked}`;
    const asking = this.#client.startRun("six", { runId, payload: { of: runId } }).then(() => null, (thrown) => thrown);
    const pids = {
      kernel: [kernel],
      supervisor: [supervisor],
      senses: pidsOf("group"),
      workflow: pidsOf("workflow"),
      all: processesOf(this.#workspace.root),
    };
    for (const pid of pids[victim]) signal(pid, "SIGKILL");
    const refused = await asking;
    if (victim === "supervisor") await this.#goneOrAnswering(kernel);
    await this.#start();
    await this.#liftQuarantines();
    // A client without an answer asks again, with the same id: that must attach, or start.
    if (refused !== null) await this.#client.startRun("six", { runId, payload: { of: runId } });
  }

  /** A kernel without its supervisor ends in order; it may still answer. */
  async #goneOrAnswering(kernel: number): Promise<void> {
    await within(this.#until(() => !isAlive(kernel)), "the kernel to follow its supervisor", () => this.#output());
  }

  async #freeze(): Promise<void> {
    this.#count("freezes");
    const all = processesOf(this.#workspace.root), one = all[Math.floor(this.#random() * all.length)];
    const frozen = this.#random() < 0.3 || one === undefined ? all : [one];
    await this.#during(async () => {
      for (const pid of frozen) signal(pid, "SIGSTOP");
      await delay(systemClock, Math.round(this.#random() * 1_500));
      for (const pid of frozen) signal(pid, "SIGCONT");
    });
  }

  async #stopInOrder(): Promise<void> {
    this.#count("stops");
    await this.#during(async () => {
      await this.#nerve("stop");
      await this.#start();
    });
  }

  async #during(work: () => Promise<void>): Promise<void> {
    const from = Date.now();
    await work();
    this.outages.push({ from, to: Date.now() });
  }

  /** Starts the daemon, unless its supervisor does; resolves when it answers. */
  async #start(): Promise<void> {
    const answers = async () => {
      for (;;) {
        const health = await this.#client.health().catch((thrown) => {
          if (!(thrown instanceof NerveError)) throw thrown;
          return null;
        });
        if (health !== null && isAlive(health.pid)) return;
        if (processesOf(this.#workspace.root).length === 0) await this.#nerve("start");
        else await delay(systemClock, lookMs);
      }
    };
    await within(answers(), "the daemon to answer", () => this.#output());
  }

  /** What a person does after many kills in a row: five deaths of one process within a minute are a quarantine. */
  async #liftQuarantines(): Promise<void> {
    for (const { kind, name, state } of (await this.#client.health()).units) {
      if (state !== "quarantined") continue;
      this.#count("quarantines lifted");
      await (kind === "group" ? this.#client.resetSense(name) : this.#client.resetWorkflow(name));
    }
  }

  async #nerve(...args: string[]): Promise<void> {
    const { root } = this.#workspace;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...nerveArguments, ...args, "--workspace", root],
      cwd: "/",
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, `nerve ${args.join(" ")}: ${text}`);
  }

  async #nothingLeft(): Promise<void> {
    const { root } = this.#workspace;
    await within(this.#until(() => processesOf(root).length === 0), "no process to be left", () => {
      return processesOf(root).map((pid) => `${pid} ${Deno.readTextFileSync(`/proc/${pid}/cmdline`)}`).join("\n");
    });
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await delay(systemClock, lookMs);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #output(): string {
    try {
      return Deno.readTextFileSync(this.#workspace.paths.textLog).slice(-4_000);
    } catch (thrown) {
      return String(thrown);
    }
  }
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (thrown) {
    // It was already ending.
    if (!(thrown instanceof Deno.errors.NotFound || String(thrown).includes("ESRCH"))) throw thrown;
  }
}

/** The daemon's own processes work elsewhere, and name the workspace in their arguments. */
function processesOf(root: string): number[] {
  const found = new Set(processesIn(root));
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!/^\d+$/.test(name) || pid === Deno.pid || !isAlive(pid)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0").includes(root)) found.add(pid);
    } catch {
      // It is gone.
    }
  }
  return [...found];
}

function parentOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    // It is gone.
    return false;
  }
}

if (import.meta.main) {
  const print = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const seed = randomSeed(), kills = Number(Deno.args[0] ?? 1_000);
  print(`NERVE_SEED=${seed} deno task faults repeats this one`);
  const from = performance.now();
  const found = await weather({ kills, seed, print });
  for (const [what, count] of Object.entries(found)) print(`${String(count).padStart(7)}  ${what}`);
  print(`nothing was lost and nothing was done twice; ${((performance.now() - from) / 1000).toFixed(1)} s`);
}
