/**
 * A real daemon that is killed again and again while runs are active; then every run must have completed exactly once,
 * with no role skipped. `deno task faults` runs this file in full; daemon_kills_test.ts runs it in short. The seed
 * decides what is killed when, and how long roles take; NERVE_SEED replays one.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { randomFrom, randomSeed } from "../../support/seed.ts";
import {
  heardLater,
  makeWorkspace,
  processesIn,
  within,
  type WorkspaceFixture,
} from "../../support/workspace_fixture.ts";
import { type Findings, judge, roles } from "./judgement.ts";

export interface Storm {
  readonly runs: number;
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export type Victim = "daemon and children" | "daemon" | "children";

/** Throws when a promise of the engine is broken; else returns the results for the table. */
export async function weather({ runs, kills, seed, print }: Storm): Promise<Findings> {
  const random = randomFrom(seed);
  await using workspace = await makeWorkspace({
    yaml: {
      workflows: {
        six: {
          concurrency: 10,
          overflow: "queue",
          max_queue: 1_000,
          permissions: { read: ["./keys"], write: ["./keys"] },
          config: { keys: "keys/keys.log" },
        },
      },
    },
    workflows: { six: workflow },
  });
  workspace.write("keys/keys.log", "");
  const waiting = Array.from({ length: runs }, (_, at) => `run-${String(at + 1).padStart(2, "0")}`);
  const killed: Record<Victim, number> = { "daemon and children": 0, daemon: 0, children: 0 };
  let daemon = await Daemon.start(workspace.paths);
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const batch = waiting.splice(0, Math.ceil(runs / kills));
      const asking = heardLater(ask(daemon, batch));
      await delay(systemClock, Math.round(random() ** 2 * 500));
      const victim = choose(random(), killed);
      killed[victim]++;
      daemon = await strike(daemon, workspace, victim);
      // A client without an answer asks again, with the same id: that must attach, or start.
      waiting.unshift(...await asking);
      print(`kill ${kill} of ${kills}: ${victim}`);
    }
    assert.deepEqual(await ask(daemon, waiting), []);
    const ended: Run[] = [];
    for (let at = 1; at <= runs; at++) {
      const id = `run-${String(at).padStart(2, "0")}`;
      ended.push(await within(daemon.client.run(id, true), `${id} to end`, () => daemon.output));
    }
    await daemon.stop();
    return judge(workspace, ended, killed);
  } finally {
    await daemon.kill();
  }
}

/** Starts the runs; resolves with those whose start was not answered. */
async function ask({ client }: Daemon, ids: readonly string[]): Promise<string[]> {
  const answers = await Promise.allSettled(
    ids.map((runId) => client.startRun("six", { runId, payload: { of: runId } })),
  );
  return ids.filter((_, at) => {
    const answer = answers[at];
    if (answer === undefined || answer.status === "fulfilled") return false;
    const { reason } = answer;
    assert.ok(reason instanceof NerveError && /^DAEMON_(MISSING|ANSWER)$/.test(reason.code), String(reason));
    return true;
  });
}

/** Kills single children at most three times: five deaths in a minute would, rightly, be a quarantine. */
function choose(roll: number, killed: Record<Victim, number>): Victim {
  if (roll < 0.2 && killed.children < 3) return "children";
  return roll < 0.4 ? "daemon" : "daemon and children";
}

/**
 * Kills, and starts the daemon again if it is gone. The next daemon finds children of the last one that are still
 * ending.
 */
async function strike(daemon: Daemon, workspace: WorkspaceFixture, victim: Victim): Promise<Daemon> {
  const children = processesIn(workspace.root).filter((pid) => pid !== daemon.pid);
  if (victim !== "children") await daemon.kill();
  if (victim !== "daemon") { for (const pid of children) killNow(pid); }
  return victim === "children" ? daemon : await Daemon.start(workspace.paths);
}

function killNow(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (thrown) {
    // It was already ending.
    if (!(thrown instanceof Deno.errors.NotFound || String(thrown).includes("ESRCH"))) throw thrown;
  }
}

/** Each role writes its key when it begins and when it is done; the third fails once, so that kills hit a backoff. */
const workflow = `
import { defineWorkflow, END, type RoleContext } from "nerve";

async function work(role: string, { idempotencyKey, config, start }: RoleContext) {
  const file = String(config.keys), note = (what: string) => {
    Deno.writeTextFileSync(file, what + " " + idempotencyKey + " " + role + "\\n", { append: true });
  };
  note("begin");
  const mix = [...start.runId + role].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7);
  await new Promise((resolve) => setTimeout(resolve, 10 + mix % 90));
  if (role === "${roles[2]}" && !Deno.readTextFileSync(file).includes("failed " + idempotencyKey + " ")) {
    note("failed");
    throw new Error("fails once");
  }
  note("done");
  return { content: role, meta: {} };
}
const names = ${JSON.stringify(roles)} as const;

export default defineWorkflow({
  roles: Object.fromEntries(names.map((name) => [name, {
    timeout: "20s",
    retry: { attempts: 3, backoff: "150ms" },
    run: (context: RoleContext) => work(name, context),
  }])),
  moderator: ({ messages }) => names[messages.length] ?? END,
});
`;

if (import.meta.main) {
  const print = (line: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  const seed = randomSeed();
  print(`NERVE_SEED=${seed} deno task faults repeats this one`);
  const from = performance.now();
  const found = await weather({ runs: 50, kills: 20, seed, print });
  for (const [what, count] of Object.entries(found)) print(`${String(count).padStart(6)}  ${what}`);
  print(`every run completed exactly once, no role was skipped; ${((performance.now() - from) / 1000).toFixed(1)} s`);
}
