/**
 * Runs of several daemons outlast each of them. In the gate: one server, two daemons, one kill. `deno task cluster`: three
 * servers, three daemons, and kills of a daemon, of a server, and of both at once, with a log of what was killed.
 */
import assert from "node:assert/strict";
import { tell } from "../support/attack_outcome.ts";
import { findRestate } from "../support/restate.ts";
import { secondHostIsRefused } from "../support/second_host.ts";
import { Cluster } from "./cluster.ts";

const restate = await findRestate(), left = "missing" in restate ? `: left out, ${restate.missing}` : "";
const isLong = Deno.env.get("NERVE_CLUSTER") === "1";

function program(): string {
  assert.ok("program" in restate);
  return restate.program;
}

function say(text: string): void {
  if (isLong) tell(`${new Date().toISOString().slice(11, 23)} ${text}`);
}

/** Somebody who reaches the ingress has no seal: nothing starts, and nothing is done about a run. */
async function strangersAreRefused({ servers }: Cluster): Promise<void> {
  const [node] = servers.nodes, list = await fetch(`${node?.admin}/services`);
  const { services } = await list.json() as { readonly services: readonly { readonly name: string }[] };
  const daemon = services.find(({ name }) => name.includes("-daemon-"))?.name;
  assert.ok(daemon !== undefined);
  const command = { runId: "a", call: "killRun", args: ["a", null], until: Date.now() + 60_000 };
  for (
    const body of [command, { body: JSON.stringify(command), mac: null }, { body: JSON.stringify(command), mac: "00" }]
  ) {
    const answer: Response = await fetch(`${node?.ingress}/${daemon}/command`, {
      ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
    });
    assert.deepEqual(Object(await answer.json()).code, "ENGINE_WRONG");
  }
}

Deno.test({
  name: `a daemon dies in roles and waits, and another one goes on with its runs${left}`,
  ignore: left !== "" || isLong,
  async fn() {
    await using cluster = await Cluster.start(program(), 1, 2);
    await cluster.spread();
    const runs = ["a", "b", "c", "d"];
    await strangersAreRefused(cluster);
    await cluster.startRun(0, "a", "works", 1_000);
    await cluster.startRun(0, "b", "waits", 300);
    await cluster.startRun(1, "c", "asks", 300);
    await cluster.startRun(1, "d", "asks", 300);
    // The same run for whoever starts it, and no other one of its id.
    assert.equal((await cluster.startRun(0, "d", "asks", 300)).runId, "d");
    await assert.rejects(cluster.startRun(0, "d", "works", 300), { code: "RUN_CONFLICT" });
    await cluster.until("work", () => /a begin/.test(cluster.notes()) && /d begin/.test(cluster.notes()));
    await cluster.kill(0);
    for (const runId of ["c", "d"]) await cluster.approve(1, runId);
    await cluster.allEnded(runs);
    // What went on without it is known to the one that comes back.
    await cluster.revive(0);
    await cluster.allEnded(runs);
    await startsBesideAHeldLock(cluster);
  },
});

/** Case 13 of the contract of sessions: while a daemon drains, and holds its lock, others start runs of the engine and decide. */
async function startsBesideAHeldLock(cluster: Cluster): Promise<void> {
  await cluster.daemon(0).client.startRun("holds", { runId: "h" });
  await cluster.until("the role of h", () => /h begin/.test(cluster.notes()));
  const stopping = cluster.stop(0);
  await secondHostIsRefused(cluster.root(0));
  await cluster.startRun(1, "e", "asks", 300);
  await cluster.approve(1, "e");
  await cluster.allEnded(["e"]);
  await secondHostIsRefused(cluster.root(0));
  cluster.letGo(0);
  await stopping;
  await cluster.revive(0);
  await cluster.until("h to be over", () => cluster.run(0, "h")?.status === "completed");
  await cluster.allEnded(["e"]);
}

Deno.test({
  name: `three daemons, three servers: kills of each and of both lose no run${left}`,
  ignore: left !== "" || !isLong,
  async fn() {
    await using cluster = await Cluster.start(program(), 3, 3);
    await cluster.spread();
    say("three daemons serve, three servers keep");
    const runs: string[] = [], asking: string[] = [];
    const start = async (wave: string) => {
      for (let at = 0; at < 9; at++) {
        const runId = `${wave}${at}`, path = at % 3 === 0 ? "asks" : at % 3 === 1 ? "waits" : "works";
        await cluster.startRun(cluster.alive[at % cluster.alive.length] ?? 0, runId, path, 1_500);
        runs.push(runId);
        if (path === "asks") asking.push(runId);
      }
      await cluster.until(
        `roles of wave ${wave}`,
        () => cluster.notes().split("\n").filter((line) => line.startsWith(wave)).length > 5,
      );
      say(`wave ${wave}: 9 runs started, roles are at work`);
    };
    const decide = async () => {
      for (const [index, runId] of asking.splice(0).entries()) {
        const at = cluster.alive[index % cluster.alive.length] ?? 0;
        await cluster.approve(at, runId);
        say(`${runId} decided at daemon ${at}`);
      }
    };
    const ended = async (what: string) => {
      await cluster.allEnded(runs);
      say(`${what}: all ${runs.length} runs have ended once, at every daemon`);
    };
    await start("a");
    say("kill -9 daemon 1");
    await cluster.kill(1);
    await decide();
    await ended("a daemon died");
    await cluster.revive(1);
    await cluster.spread();

    await start("b");
    say("kill -9 server 0");
    await cluster.servers.nodes[0]?.kill();
    await decide();
    await ended("a server died");
    await cluster.servers.nodes[0]?.start();

    await start("c");
    say("kill -9 daemon 2 and server 2");
    await Promise.all([cluster.kill(2), cluster.servers.nodes[2]?.kill()]);
    await decide();
    await ended("both died");
    await cluster.servers.nodes[2]?.start();
    await cluster.revive(2);
    await ended("they are back");
  },
});
