/**
 * A real daemon with runs whose role runs once, and kill -9 of its process or of the daemon at random moments: a person
 * decides what is in doubt. The role writes to a side file when it begins, so that the log is not its own witness. `deno task
 * once` runs it in full; payments_test.ts in short. NERVE_SEED replays one.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import type { ControlClient } from "../../../src/control/client/client.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { randomFrom, randomSeed } from "../../support/seed.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

export interface PaymentOptions {
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

const inFlight = 6, asksMax = 10, file = "side/charges.log";

/** It begins, takes its time, and is done; now and then it fails. */
const pay = `
import { defineWorkflow, END } from "nerve";
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export default defineWorkflow({
  roles: {
    prepare: async () => (await sleep(Math.random() * 20), { content: "prepared", meta: {} }),
    charge: {
      effect: "once",
      run: async ({ start, idempotencyKey, config }) => {
        const note = (what: string) =>
          Deno.writeTextFileSync(String(config.file), what + " " + idempotencyKey + "\\n", { append: true });
        note("begin");
        await sleep(Math.random() * 60);
        if (start.runId.endsWith("7")) throw new Error("the bank did not answer");
        note("done");
        return { content: "charged", meta: { by: "the role" } };
      },
    },
    report: ({ messages }) => ({ content: "reported " + messages[1]?.content, meta: {} }),
  },
  moderator: ({ messages }) => (["prepare", "charge", "report"] as const)[messages.length] ?? END,
});
`;

const permissions = { read: ["./side"], write: ["./side"] };
const yaml = { workflows: { pay: { concurrency: 50, permissions, config: { file } } } };

/** Throws when a promise is broken; else returns what happened. */
export async function makePayments(options: PaymentOptions): Promise<Readonly<Record<string, number>>> {
  await using workspace = await makeWorkspace({ yaml, workflows: { pay } });
  workspace.write(file, "");
  const payments = new Payments(workspace, options, await Daemon.start(workspace.paths));
  try {
    await payments.rage();
    await payments.settle();
  } finally {
    await payments.end();
  }
  return judge(workspace, payments.ids);
}

class Payments {
  readonly ids: string[] = [];
  readonly #workspace: WorkspaceFixture;
  readonly #options: PaymentOptions;
  readonly #random: () => number;
  #daemon: Daemon;

  constructor(workspace: WorkspaceFixture, options: PaymentOptions, daemon: Daemon) {
    this.#workspace = workspace;
    this.#options = options;
    this.#random = randomFrom(options.seed);
    this.#daemon = daemon;
  }

  async rage(): Promise<void> {
    for (let kill = 1; kill <= this.#options.kills; kill++) {
      await this.#keepInFlight();
      // Also while somebody decides.
      const deciding = this.#decide().catch(ignoreRefusal);
      // Most strike while a role works, some at any moment.
      if (this.#random() < 0.8) await within(this.#nextBegun(), "a role to begin", () => this.#daemon.output);
      await delay(systemClock, Math.round(this.#random() * 60));
      const victim = this.#random() < 0.5 ? "daemon" : "process";
      if (victim === "daemon") {
        await this.#daemon.kill();
        this.#daemon = await Daemon.start(this.#workspace.paths);
      } else await this.#killProcess();
      await deciding;
      await this.#liftQuarantine();
      this.#options.print(`kill ${kill} of ${this.#options.kills}: ${victim}`);
    }
  }

  async settle(): Promise<void> {
    const done = async () => {
      for (;;) {
        await this.#liftQuarantine();
        await this.#decide();
        const { runs, approvals } = await this.#ask((client) => client.health());
        if (runs.active + runs.queued + runs.waiting + approvals.open === 0) return;
        await delay(systemClock, 20);
      }
    };
    await within(done(), "every run to end", () => this.#daemon.output);
    await this.#daemon.stop();
  }

  async end(): Promise<void> {
    await this.#daemon.kill();
  }

  /** What a person does about everything that is in doubt. */
  async #decide(): Promise<void> {
    const reader = StoreReader.open(this.#workspace.paths.logDatabase);
    const items = reader?.approvals({ all: false, limit: 100, offset: 0 }).items ?? [];
    reader?.close();
    for (const { id, digest, options, kind } of items) {
      assert.equal(kind, "recovery");
      const option = options[Math.floor(this.#random() * options.length)] ?? "fail";
      const supplied = option === "done" ? { content: "charged", meta: { by: "a person" } } : {};
      await this.#ask((client) => client.decide(id, { option, digest, token: id, by: "ada", ...supplied })).catch(
        ignoreRefusal,
      );
    }
  }

  async #keepInFlight(): Promise<void> {
    const { runs } = await this.#ask((client) => client.health());
    for (let missing = inFlight - runs.active - runs.queued; missing > 0; missing--) {
      const runId = `pay-${this.ids.length}`;
      this.ids.push(runId);
      await this.#ask((client) => client.startRun("pay", { runId }));
    }
  }

  /** A busy machine may let the daemon answer late: whatever is asked here may be asked twice. */
  async #ask<T>(work: (client: ControlClient) => Promise<T>): Promise<T> {
    for (let left = asksMax;; left--) {
      try {
        return await work(this.#daemon.client);
      } catch (thrown) {
        if (!(thrown instanceof NerveError) || thrown.code !== "DAEMON_ANSWER" || left <= 1) throw thrown;
      }
    }
  }

  async #nextBegun(): Promise<void> {
    const before = this.#charges();
    for (let turn = 1; this.#charges() === before; turn++) {
      await delay(systemClock, 2);
      if (turn % 50 !== 0) continue;
      // A death may have been noticed only now.
      await this.#liftQuarantine();
      await this.#keepInFlight();
    }
  }

  #charges(): number {
    return Deno.statSync(`${this.#workspace.root}/${file}`).size;
  }

  async #killProcess(): Promise<void> {
    const pid = (await this.#ask((client) => client.health())).units.find(({ kind }) => kind === "workflow")?.pid ??
      null;
    if (pid === null) return;
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (thrown) {
      // It was already ending.
      if (!(thrown instanceof Deno.errors.NotFound || String(thrown).includes("ESRCH"))) throw thrown;
    }
  }

  async #liftQuarantine(): Promise<void> {
    for (const { name, state } of (await this.#ask((client) => client.health())).units) {
      if (state === "quarantined") await this.#ask((client) => client.resetWorkflow(name));
    }
  }
}

/** The daemon died, or somebody has decided before. */
function ignoreRefusal(thrown: unknown): void {
  if (!(thrown instanceof NerveError)) throw thrown;
}

/** Each run has ended, and its role has begun once, and once more for each time that a person has let it run again. */
function judge(workspace: WorkspaceFixture, ids: readonly string[]): Readonly<Record<string, number>> {
  const reader = StoreReader.open(workspace.paths.logDatabase) ?? assert.fail("the daemon has left no log");
  const lines = Deno.readTextFileSync(`${workspace.root}/${file}`).trimEnd().split("\n");
  const begun = new Map<string, number>(),
    counts = { retry: 0, done: 0, fail: 0, begun: 0, doubts: 0, runs: ids.length };
  for (const line of lines) {
    const runId = /^begin (\S+):2$/.exec(line)?.[1];
    if (runId !== undefined) begun.set(runId, (begun.get(runId) ?? 0) + 1);
  }
  try {
    for (const id of ids) {
      const run = reader.run(id), times = begun.get(id) ?? 0;
      const asked = reader.approvals({ runId: id, all: true, limit: 1_000, offset: 0 }).items;
      const decided = (option: string) => asked.filter(({ decision }) => decision === option).length;
      assert.ok(
        times <= 1 + decided("retry"),
        `${id}: its role began ${times} times, ${decided("retry")} of them allowed`,
      );
      assert.equal(run?.status, decided("fail") > 0 ? "failed" : "completed", `${id}: ${run?.reason}`);
      assert.ok(asked.every(({ open }) => !open), `${id} still asks`);
      const contents = reader.messages(id).map(({ content }) => content);
      const thread = run?.status === "failed" ? ["prepared"] : ["prepared", "charged", "reported charged"];
      assert.deepEqual(contents, thread, id);
      counts.begun += times;
      counts.doubts += asked.length;
      for (const option of ["retry", "done", "fail"] as const) counts[option] += decided(option);
    }
  } finally {
    reader.close();
  }
  return counts;
}

if (import.meta.main) {
  const print = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const seed = randomSeed(), kills = Number(Deno.args[0] ?? 1_000);
  print(`NERVE_SEED=${seed} deno task once repeats this one`);
  const from = performance.now();
  const found = await makePayments({ kills, seed, print });
  for (const [what, count] of Object.entries(found)) print(`${String(count).padStart(7)}  ${what}`);
  print(`no role ran twice by itself; ${((performance.now() - from) / 1000).toFixed(1)} s`);
}
