/**
 * One list of what a workflow can do, on every engine: what an engine cannot do it refuses, and docs/engines.md says so.
 * NERVE_CONFORMANCE=1 prints the table.
 */
import { tell } from "../support/attack_outcome.ts";
import assert from "node:assert/strict";
import { errorCodes } from "../../src/base/error_codes.ts";
import { readSource } from "../support/source_files.ts";
import { isLong, long, scaled } from "../support/long_form.ts";
import { findRestate, freePorts, startRestate } from "../support/restate.ts";
import { namePart, partOf } from "../../src/restate/part_names.ts";
import { abilities, refusedWords } from "./list.ts";
import { World } from "./world.ts";

const shows = Deno.env.get("NERVE_CONFORMANCE") === "1";

async function tryAll(test: Deno.TestContext, engine: string, world: World, cannot: boolean): Promise<void> {
  // In the gate every third: what they are has tests of its own.
  for (const { what, act, refused } of abilities.filter((_, at) => isLong || at % 3 === 0)) {
    const refuses = cannot && refused !== undefined;
    const ok = await test.step(`${engine}: ${what}`, () => refuses ? refused(world) : act(world));
    if (shows) tell(`| ${engine} | ${what} | ${!ok ? "FAILS" : refuses ? "refused" : "yes"} |`);
  }
}

scaled.test("the local engine does all that a workflow can do", async (test) => {
  await using world = await World.start(null);
  await tryAll(test, "local", world, false);
});

const restate = await findRestate();

long.test({
  name: `Restate does the same, or refuses it${"missing" in restate ? `: left out, ${restate.missing}` : ""}`,
  ignore: "missing" in restate,
  async fn(test) {
    assert.ok("program" in restate);
    await using servers = await startRestate(restate.program);
    const [node] = servers.nodes, [port] = freePorts(1);
    const listen = `127.0.0.1:${port}`, { identity } = servers;
    const engine = { kind: "restate", ingress: node?.ingress ?? "", admin: node?.admin ?? "", listen, identity };
    await using world = await World.start({ cluster: engine });
    await tryAll(test, "restate", world, true);
    assert.deepEqual((await world.api.engines.list()).items.map(({ problem, serving }) => [problem, serving]), [[
      null,
      true,
    ]]);
    await waitsForItsWorkflow(world, node?.ingress ?? "");
    const unsigned = await fetch(`http://${listen}/part-0/invoke/nerve-0/run`, { method: "POST", body: "" });
    await unsigned.body?.cancel();
    assert.equal(unsigned.status, 401);
  },
});

/** The bug would be: a machine that does not have the new workflow yet ends its runs, which another one has accepted. */
async function waitsForItsWorkflow(world: World, ingress: string): Promise<void> {
  const ended = await world.end(await world.start(["say"])), runId = "early", from = world.workspace.events.length;
  const run = { ...ended, ...{ runId, workflow: "fresh", status: "queued", exitCode: null, attempt: 0, rounds: 0 } };
  const body = { body: JSON.stringify({ run: { ...run, startedAt: null, endedAt: null }, starts: null }), mac: null };
  const url = `${ingress}/${namePart("nerve", partOf(runId))}/${runId}/run/send`, method = "POST";
  const headers = { "content-type": "application/json" };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 202, await answer.text());
  const isTold = /hands over runs of workflow fresh, which this daemon does not have: they wait/;
  await world.workspace.waitFor(
    (event) => event.kind === "problem" && isTold.test(event.message),
    "that it is said",
    from,
  );
  assert.equal(world.status(runId), "none");
  await world.reconfigure({}, { fresh: { engine: "cluster", use: "script" } });
  await world.reaches(runId, "completed");
}

Deno.test("docs/engines.md names what Restate cannot do", () => {
  const [, table = ""] = /## What it cannot do\n([\s\S]+?)\n## /.exec(readSource("docs/engines.md")) ?? [];
  const refused = table.split("\n").filter((line) => line.includes("refused"));
  assert.ok(errorCodes["ENGINE_CANNOT"].remedy.length > 0);
  // Those are refused by the check of nerve.yaml: tests/unit/config/engine_entries_test.ts.
  for (const word of [...refusedWords, "agents"]) assert.ok(refused.some((line) => line.includes(word)), word);
  assert.equal(abilities.filter((each) => each.refused !== undefined).length, refusedWords.length);
});
