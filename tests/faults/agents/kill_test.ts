/**
 * kill -9 of the daemon, the workflow's process, the agent's program and the tmux server, each in every state of a session.
 * Dangers: a run that does not go on, an answer that is taken twice or lost, a program that outlives its session.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { isGoneProcess } from "../../../src/base/if_present.ts";
import { readProcessStat } from "../../../src/base/process_id.ts";
import { delay } from "../../../src/base/time.ts";
import { AgentWorld, scriptedAgent } from "../../support/agent_world.ts";
import { scriptedProtocols } from "../../support/agent_protocols.ts";
import { long } from "../../support/long_form.ts";
import { faultTest, randomFrom } from "../../support/seed.ts";

const victims = ["daemon", "workflow", "agent", "tmux"] as const;
type Victim = (typeof victims)[number];
type Strike = () => Promise<void>;

const killMaxMs = 60;

/** The processes of a kind that belong to a world, by what the system says of them. */
function find(world: AgentWorld, victim: Exclude<Victim, "daemon">): number[] {
  const { root } = world.workspace;
  const isOne = (pid: number) => {
    const isAgents = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").includes(`HOME=${root}/data/agents/x`);
    if (victim === "agent") return isAgents;
    if (victim === "tmux") return isAgents && readProcessStat(pid)?.command === "tmux: server";
    const isShim = /sandbox[/_]shim\./.test(Deno.readTextFileSync(`/proc/${pid}/cmdline`));
    return isShim && Deno.readLinkSync(`/proc/${pid}/cwd`) === root;
  };
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return Number.isInteger(pid) && isOne(pid);
    } catch (thrown) {
      if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
      throw thrown;
    }
  });
}

async function kill(world: AgentWorld, victim: Victim): Promise<void> {
  if (victim === "daemon") return await world.restart();
  for (const pid of find(world, victim)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (thrown) {
      // It has ended with another one.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }
}

/** Goes on until `done`: tries again what was lost, and gives the leave that is asked for when `givesLeave`. */
async function goOn(world: AgentWorld, what: string, givesLeave: boolean, done: () => Promise<unknown>): Promise<void> {
  await world.until(what, async () => {
    for (const asked of world.approvals()) {
      if (asked.kind === "leave" && !givesLeave) continue;
      // One that was closed meanwhile, because who asked has died, is no failure.
      await world.decide(asked, asked.kind === "leave" ? "approve" : "retry").catch((thrown) => {
        assert.match(String(thrown), /was decided|does not wait|is over/);
      });
    }
    return await done();
  });
}

const isAt = (world: AgentWorld, type: string, count: number) => async () =>
  (await world.rows("a", new RegExp(`^${type}$`)))[count - 1] ?? null;

/** Through the states of a session, with a strike in each of them. */
async function live(world: AgentWorld, asksLeave: boolean, strike: Strike): Promise<void> {
  const statusIs = (status: string) => async () => (await world.daemon.client.run("a", false)).status === status;
  const messages = (count: number) => isAt(world, "run.message", count);
  world.set("hang-at-start");
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.created");
  Deno.removeSync(world.home("hang-at-start"));
  await strike(); // CREATED: what was started before hangs
  await goOn(world, "a prompt", false, isAt(world, "session.prompted", 1));
  await strike(); // BUSY
  world.set("one");
  await goOn(world, "the run to wait", false, statusIs("waiting"));
  await strike(); // READY
  await world.daemon.client.sendEvent("a", { name: "go", key: "k", payload: {} });
  if (asksLeave) {
    await goOn(world, "leave to be asked", false, () => {
      return Promise.resolve(world.approvals().some(({ kind }) => kind === "leave"));
    });
    await strike(); // BUSY, with a request
    await goOn(world, "leave to be used", true, messages(3));
  }
  world.set("refuse-load");
  await goOn(world, "the last prompt", true, isAt(world, "run.message", asksLeave ? 3 : 2));
  await strike(); // BUSY, and cannot be found again: FAILED_NEEDS_HUMAN, if the strike cost its place
  await delay(systemClock, killMaxMs);
  await strike();
  Deno.removeSync(world.home("refuse-load"));
  world.set("two");
  await goOn(world, "the end of the run", true, statusIs("completed"));
  await strike(); // ENDED
  await world.until("its programs to end", () => Promise.resolve(find(world, "agent").length === 0));
}

async function play(seed: number, victim: Victim, isTerminal: boolean): Promise<void> {
  const random = randomFrom(seed), asksLeave = !isTerminal;
  const command = [...scriptedAgent, "terminal", "{session}"];
  const terminal = { protocol: "terminal", command, resume: command, ready: "^> $|^>$" };
  await using world = await AgentWorld.make({
    agent: isTerminal ? terminal : { permissions: { ask: ["edit work"] } },
    roles: [
      `one: of("until one")`,
      `wait: event("go")`,
      ...asksLeave ? [`leave: of("ask edit work/a.ts")`] : [],
      `two: of("until two")`,
    ].join(", "),
  });
  const strike = async () => {
    await delay(systemClock, random() * killMaxMs);
    await kill(world, victim);
  };
  await live(world, asksLeave, strike);
  const said = (await world.daemon.client.messages("a", { limit: 9 })).map(({ role }) => role).reverse();
  const roles = ["one", "wait", ...asksLeave ? ["leave"] : [], "two"];
  assert.deepEqual([...said].sort(), [...roles].sort(), `each role has spoken once, ${victim}`);
  // The sessions of an ended run stay as they are: a daemon may die between that end and theirs.
  const over = victim === "daemon" ? ["ENDED", "READY"] : ["ENDED"];
  await world.until("its sessions to end", () => {
    return Promise.resolve(world.sessions().every(({ state }) => over.includes(state)));
  });
  assert.equal(world.count("run.completed"), 1);
  const verified = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-prompt", "--cached-only", "src/main.ts", "store", "verify", "--workspace"]
      .concat(world.workspace.root),
    cwd: new URL("../../..", import.meta.url),
  }).output();
  assert.equal(verified.code, 0, new TextDecoder().decode(verified.stderr));
}

for (const victim of victims) {
  const isTerminal = victim === "tmux";
  if (isTerminal && scriptedProtocols.terminal === undefined) continue;
  faultTest(
    `kill -9 of ${victim} in every state of a session: each role is answered once, and nothing is left`,
    (seed) => play(seed, victim, isTerminal),
    victim === "agent" ? Deno : long,
  );
}
