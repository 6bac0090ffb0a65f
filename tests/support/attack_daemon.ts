/**
 * Attacks on a real daemon: `nerve run` in a process of its own, hostile senses and a hostile workflow in its
 * workspace, and beside them a well-behaved sense whose ticks are measured. tests/faults/attacks has each attack and
 * its expected outcome. Families of attacks: attack_tests.ts.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { ControlClient } from "../../src/control/client/client.ts";
import type { Health } from "../../src/protocol/api.ts";
import type { LogFilter, LogRow } from "../../src/protocol/log.ts";
import { Bystanders, type Targets } from "./attack_targets.ts";
import type { AttackOptions } from "./attack_tests.ts";
import { type Attack, type Attacks, tickMs, workflowOf, workspaceFiles } from "./attack_workspace.ts";
import { apart, tell, textOf, type Ticks } from "./attack_outcome.ts";
import { nerveArguments } from "./nerve_program.ts";
import { writeWorkspace } from "./temp_workspace.ts";
import { deadlineMs, within } from "./workspace_fixture.ts";

export type { Attack, Attacks } from "./attack_workspace.ts";

/** The long form has more and longer attacks, and narrower bounds for ticks: `deno task attacks`. */
export const longForm: boolean = Deno.env.get("NERVE_ATTACKS") === "long";

export class AttackDaemon implements AsyncDisposable {
  readonly targets: Targets;
  readonly client: ControlClient;
  readonly pid: number;
  readonly #bystanders: Bystanders;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>[];
  #stopped = false;

  private constructor(bystanders: Bystanders, child: Deno.ChildProcess) {
    this.targets = bystanders.targets;
    this.#bystanders = bystanders;
    this.#child = child;
    this.pid = child.pid;
    this.#output = [child.stdout, child.stderr].map((stream) => new Response(stream).text());
    this.client = new ControlClient(this.targets.socket);
  }

  static async start(
    bystanders: Bystanders,
    attacks: Attacks,
    options: AttackOptions,
    program: string | null = null,
  ): Promise<AttackDaemon> {
    const { targets } = bystanders;
    await writeWorkspace(targets.workspace, {
      ...workspaceFiles(attacks, targets, options.realm ?? "plain"),
      ...options.files,
    });
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...program === null
          ? [...nerveArguments, "run", "-w", targets.workspace]
          : ["run", "-A", "--no-prompt", "--cached-only", program, targets.workspace],
      ],
      cwd: targets.workspace,
      env: { EXAMPLE_KERNEL_SECRET: targets.secret, ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const daemon = new AttackDaemon(bystanders, child);
    for (const latest = systemClock.monotonic() + deadlineMs;;) {
      try {
        await daemon.client.health();
        break;
      } catch (thrown) {
        if (systemClock.monotonic() < latest) await delay(systemClock, 50);
        else throw new Error(`the daemon did not start: ${await daemon.#kill()}`, { cause: thrown });
      }
    }
    const { outcome } = await daemon.client.triggerSense("victim", true);
    assert.equal(outcome?.kind, "signal", JSON.stringify(outcome));
    return daemon;
  }

  /** The outcome of an attack as a compute. */
  async bySense(name: string): Promise<string> {
    // While its group waits for its next start after a death, a trigger is answered without a compute.
    for (;;) {
      const { outcome } = await this.client.triggerSense(name, true);
      if (outcome?.kind !== "group_down" || !outcome.message.includes("starts again shortly")) return textOf(outcome);
      await delay(systemClock, 50);
    }
  }

  /** The outcome of an attack as a role. */
  async byWorkflow(name: string, attack: Attack): Promise<string> {
    const workflow = workflowOf(name, attack);
    const { runId } = await this.client.startRun(workflow, { prompt: name });
    for (;;) {
      const run = await this.client.run(runId, false);
      if (run.status === "completed") {
        const [message] = await this.client.messages(runId, { limit: 1 });
        return `returned ${message?.content}`;
      }
      if (run.endedAt !== null) return `${run.status === "failed" ? "threw" : "died:"} ${run.reason}`;
      // A run waits for code that is loading, as long as that takes.
      const unit = (await this.health()).units.find((each) => each.kind === "workflow" && each.name === workflow);
      if (unit?.state === "quarantined") return `threw ${unit.reason}`;
      await delay(systemClock, 20);
    }
  }

  health(): Promise<Health> {
    return this.client.health();
  }

  logs(filter: LogFilter): Promise<LogRow[]> {
    return this.client.logs({ limit: 1_000, ...filter });
  }

  /** Resolves with the first row as soon as it exists. */
  async row(filter: LogFilter): Promise<LogRow> {
    const found = async () => {
      for (;; await delay(systemClock, 50)) {
        const [row] = await this.logs(filter);
        if (row !== undefined) return row;
      }
    };
    return await within(found(), `a row like ${JSON.stringify(filter)}`);
  }

  /** How late each of the next `count` ticks of the steady sense comes. */
  async nextTicks(count: number): Promise<Ticks> {
    const signals = async () => (await this.client.sense("steady")).counters.signals;
    const from = systemClock.now(), last = await signals() + count;
    const goesOn = async () => {
      while (await signals() < last) await delay(systemClock, tickMs);
    };
    await within(goesOn(), "the steady sense to go on");
    return await this.ticksSince(from);
  }

  async ticksSince(fromMs: number): Promise<Ticks> {
    const rows = await this.logs({ source: "sense:steady", type: "sense.signal", sinceMs: fromMs });
    const gaps = rows.map(({ ts }) => ts).sort((a, b) => a - b);
    const late = gaps.slice(1).map((ts, at) => Math.max(0, ts - (gaps[at] ?? ts) - tickMs)).sort((a, b) => a - b);
    return { count: rows.length, median: late[late.length >> 1] ?? Infinity, worst: late.at(-1) ?? Infinity };
  }

  /**
   * Checks that the daemon lives, the sense beside the attacks computes as before, and nothing outside was touched.
   * `quiet`: the lateness of its ticks before the attacks, or null when it was not measured; then only the ticks after
   * them count.
   */
  async bystandersAreFine(quiet: Ticks | null, from: number): Promise<void> {
    const health = await this.health();
    assert.equal(health.pid, this.pid, "it is the same daemon");
    const tail = await this.nextTicks(3);
    const { counters } = await this.client.sense("steady");
    assert.equal(counters.error + counters.timeout + counters.group_down, 0, JSON.stringify(counters));
    const unit = health.units.find(({ name }) => name === "steady");
    assert.equal(unit?.deaths, 0, "nobody else's process died");
    const during = await this.ticksSince(from);
    // The gate's machine has other work to do, more at some times than at others; a test that runs alone has a tighter
    // bound.
    const times = apart(during) / apart(quiet ?? tail), most = longForm ? 1.5 : 10;
    const ticks = `quiet ${JSON.stringify(quiet)}, during ${JSON.stringify(during)}, after ${JSON.stringify(tail)}`;
    if (longForm) tell(`ticks: ${ticks}`);
    assert.ok(times <= most, `ticks came ${times} times as far apart, not ${most}: ${ticks}`);
    const { outcome } = await this.client.triggerSense("victim", true);
    const kept = outcome?.kind === "signal" ? Object(outcome.signal.payload).n : outcome;
    assert.equal(
      kept,
      (await this.client.sense("victim")).counters.signals,
      "the victim's rows are all there, and no other",
    );
    this.#bystanders.assertUntouched();
  }

  /** Stops the daemon and returns everything that it printed. */
  async printed(): Promise<string> {
    await this.#stop();
    return (await Promise.all(this.#output)).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    this.client[Symbol.dispose]();
  }

  async #stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const alive = await this.client.stop().then(() => true, () => false);
    if (!alive) throw new Error(`the daemon was gone: ${await this.#kill()}`);
    const { code } = await this.#child.status;
    assert.equal(code, 0, `the daemon stopped in order: ${(await Promise.all(this.#output)).join("\n").slice(-2_000)}`);
  }

  async #kill(): Promise<string> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // The process has ended already.
    }
    await this.#child.status;
    return (await Promise.all(this.#output)).join("\n").slice(-2_000);
  }
}
