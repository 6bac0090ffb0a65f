/**
 * `nerve workflow fork`: a new run that goes on in the middle of an earlier one. Dangers: a role runs again whose message was
 * taken over, a message is missing or another one, the copies do not outlive a restart or a rebuild.
 */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { runEnd, steps } from "../../support/workflow_life.ts";

const counting = `let played = 0;\n` + steps(`
  one: () => ({ content: "one " + ++played, meta: { n: 1 } }),
  two: () => ({ content: "two " + ++played, meta: { n: 2 } }),
  three: () => ({ content: "three " + ++played, meta: { n: 3 } })`);

Deno.test("a fork has the input and the messages before its round, and plays the others itself", async () => {
  await using served = await serveWorkspace({ workflows: { counting, other: counting } });
  const { workspace } = served, { api } = workspace.kernel;
  await workspace.kernel.startWorkflow("counting", { runId: "old", prompt: "go", payload: { a: 1 }, maxRounds: 7 });
  await runEnd(workspace, "old");
  const { code, out, err } = await served.nerve("workflow", "fork", "old", "--from", "3", "--id", "new", "--wait");
  assert.deepEqual([code, out, /completed/.test(err)], [0, "new\n", true]);
  const contents = (runId: string) => workspace.kernel.api.records.messages(runId, {}).map(({ content }) => content);
  assert.deepEqual([contents("old"), contents("new")], [["one 1", "two 2", "three 3"], ["one 1", "two 2", "three 4"]]);
  const run = api.records.run("new");
  assert.deepEqual([run?.prompt, run?.payload, run?.maxRounds, run?.rounds], ["go", { a: 1 }, 7, 3]);
  const [first] = await workspace.rows({ refId: "new", type: "run.started" });
  assert.deepEqual(Object(first?.payload).fork, { runId: "old", rounds: 2 });
  // From the first round it is a rerun, and it may follow the last one.
  assert.equal((await served.nerve("workflow", "fork", "old", "--from", "1", "--id", "anew", "--wait")).code, 0);
  assert.deepEqual(contents("anew"), ["one 5", "two 6", "three 7"]);
  assert.equal((await served.nerve("workflow", "fork", "old", "--from", "4", "--id", "end", "--wait")).code, 0);
  assert.deepEqual(contents("end"), contents("old"));
  assert.equal((await served.nerve("workflow", "fork", "new", "--from", "3", "--id", "again", "--wait")).code, 0);
  assert.deepEqual(contents("again"), ["one 1", "two 2", "three 8"], "a fork of a fork");
  assert.equal((await served.nerve("workflow", "fork", "new", "--from", "3", "--id", "again", "--wait")).code, 0);
  const failures: [RegExp, string[]][] = [
    [/run again exists with a different fork/, ["new", "--from", "2", "--id", "again"]],
    [/run old exists with a different fork/, ["old", "--from", "3", "--id", "old"]],
    [/the last round of run old is 3: it cannot be forked from round 5/, ["old", "--from", "5"]],
    [/there is no run "none"/, ["none", "--from", "1"]],
    [/--from ROUND is missing/, ["old"]],
  ];
  for (const [message, args] of failures) assert.match((await served.nerve("workflow", "fork", ...args)).err, message);
  await assert.rejects(api.startRun("counting", { fromRound: 2 }), { code: "PAYLOAD_INVALID" });
  await assert.rejects(api.startRun("other", { rerunOf: "old", fromRound: 2 }), { code: "RUN_UNKNOWN" });
  // What a rebuild makes of the rows is what is there.
  await served.stop();
  const verified = await served.nerve("store", "verify");
  assert.deepEqual([verified.code, verified.err], [0, ""], verified.out);
  assert.equal((await served.nerve("store", "rebuild-runs")).code, 0);
  await workspace.start();
  assert.deepEqual(workspace.kernel.api.records.run("new"), run);
  assert.deepEqual(contents("new"), ["one 1", "two 2", "three 4"]);
});

long.test("a fork of a run that works, in the queue and over a restart", async () => {
  const slow = `const stands = () => { try { Deno.statSync("data/gate"); return true; } catch { return false; } };
` + steps(`
    one: () => ({ content: "one", meta: {} }),
    two: async ({ signal }) => {
      while (!stands()) await new Promise((resolve) => setTimeout(resolve, 10));
      signal.throwIfAborted();
      return { content: "two", meta: {} };
    }`);
  await using served = await serveWorkspace({
    workflows: { slow },
    yaml: { workflows: { slow: { concurrency: 1, overflow: "queue", permissions: { read: ["data/gate"] } } } },
  });
  const { workspace } = served;
  await workspace.kernel.startWorkflow("slow", { runId: "old" });
  while (workspace.kernel.api.records.run("old")?.rounds !== 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const { code, out } = await served.nerve("workflow", "fork", "old", "--from", "2", "--id", "new", "--json");
  assert.deepEqual([code, JSON.parse(out).status, JSON.parse(out).rounds], [0, "queued", 1]);
  await workspace.kernel.abandon(); // Gives the role no time.
  await workspace.stop();
  await workspace.start();
  workspace.write("data/gate", "open");
  for (const id of ["old", "new"]) {
    assert.deepEqual([(await runEnd(workspace, id)).status, id], ["completed", id]);
    const thread = workspace.kernel.api.records.messages(id, {}).map(({ content }) => content);
    assert.deepEqual(thread, ["one", "two"]);
  }
});
