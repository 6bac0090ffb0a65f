/** Code that is saved while runs are active, in real processes: runs move to code that agrees, or stay, or are held. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { type Clock, delay } from "../../../src/base/time.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

/** Its first round waits at the gate; then come the roles of `order`, which say which code they are of. */
function code(name: string, order: readonly string[], more = ""): string {
  const roles = ["one", "two", "three"].map((role) =>
    `${role}: async ({ start, log, config }) => {
      log("info", start.runId + " works${role === "one" ? "" : ` in ${role}`}");
      const open = () => { try { Deno.statSync(String(config.open) + ${
      role === "one" ? '""' : "start.prompt"
    }); return true; } catch { return false; } };
      while (!open()) await new Promise((resolve) => setTimeout(resolve, 5));
      return { content: "${name} ${role}", meta: {} };
    }`
  );
  return steps(
    roles.join(","),
    `({ messages }) => { ${more} return (${JSON.stringify(order)})[messages.length] ?? END; }`,
  );
}

const oldContents = ["old one", "old two", "old three"],
  order = ["one", "two", "three"],
  yaml = { workflows: { w: { concurrency: 2, ...gated.settings } } };

async function atGate(text = code("old", order), clock: Clock = systemClock): Promise<WorkspaceFixture> {
  const workspace = await startWorkspace({ clock, yaml, workflows: { w: text } });
  closeGate(workspace);
  await atWork(workspace, "w", "r");
  return workspace;
}

async function save(workspace: WorkspaceFixture, text: string): Promise<void> {
  workspace.write("workflows/w/index.ts", text);
  assert.deepEqual((await workspace.kernel.api.reload()).replaced, ["workflow:w"]);
}

function contents({ kernel }: WorkspaceFixture, runId = "r"): string[] {
  return kernel.api.records.messages(runId, { limit: 9 }).map(({ content }) => content);
}

Deno.test("new runs start on new code at once; a run in flight moves to it at its next message, when it agrees", async () => {
  await using workspace = await atGate();
  const old = workspace.pid("w");
  await save(workspace, code("new", order));
  const from = workspace.events.length;
  await workspace.kernel.startWorkflow("w", { runId: "fresh" });
  await workspace.log("workflow:w", /^fresh works$/, from);
  openGate(workspace);
  const run = await runEnd(workspace, "r");
  assert.deepEqual([run.status, run.attempt, contents(workspace)], ["completed", 2, [
    "old one",
    "new two",
    "new three",
  ]]);
  assert.deepEqual((await rowsOf(workspace, "r", "run.resumed")).map(({ rounds, after }) => [rounds, after]), [
    [1, "it moved to new code"],
  ]);
  assert.deepEqual(await rowsOf(workspace, "r", "run.refused"), []);
  assert.deepEqual([(await runEnd(workspace, "fresh")).attempt, contents(workspace, "fresh")], [1, [
    "new one",
    "new two",
    "new three",
  ]]);
  await workspace.waitFor(
    (event) => event.kind === "unit" && event.message.includes(`${old} ended: replaced`),
    "its end",
  );
});

long.test("a run stays on the old code to its end when the new code answers its thread differently, or throws", async () => {
  const wrong: readonly [text: string, why: RegExp][] = [
    [
      code("new", ["two", "one"]),
      /round 1 was done by "one", but for the same 0 messages the moderator now returns "two"/,
    ],
    [
      code("new", order, `if (messages.length > 0) throw new Error("not yet");`),
      /the moderator threw after 1 messages: .*not yet/,
    ],
    [code("new", order, `if (messages.length > 0) Deno.exit(1);`), /the moderator threw after 1 messages/],
    [code("new", ["one", "nobody"]), /"nobody", which is neither END nor a role/],
  ];
  for (const [text, why] of wrong) {
    await using workspace = await atGate();
    await save(workspace, text);
    openGate(workspace);
    const run = await runEnd(workspace, "r");
    assert.deepEqual([run.status, run.attempt, contents(workspace)], ["completed", 1, oldContents]);
    const stayed = await rowsOf(workspace, "r", "run.stayed");
    assert.equal(stayed.length, 1, "it is asked once");
    assert.match(String(stayed[0]?.why), why);
  }
});

long.test("a run stays on the old code when the moderator of the new code never returns", async () => {
  await using workspace = await atGate(code("old", order), fastClock(5));
  await save(workspace, code("new", order, "while (messages.length > 0);"));
  openGate(workspace);
  assert.deepEqual([(await runEnd(workspace, "r")).status, contents(workspace)], ["completed", oldContents]);
  const [stayed] = await rowsOf(workspace, "r", "run.stayed");
  assert.match(String(stayed?.why), /^the new code did not say within 15s|^the process with the new code ended: /);
});

/** A run that waits at the gate of its second role. */
async function inRoundTwo(workspace: WorkspaceFixture): Promise<void> {
  closeGate(workspace);
  openGate(workspace);
  await workspace.kernel.startWorkflow("w", { runId: "r", prompt: "2" });
  await workspace.waitFor((event) => event.kind === "log" && event.message === "r works in two", "round 2");
}

/** Waits until the run is paused for its code. */
async function held(workspace: WorkspaceFixture, from: number): Promise<void> {
  await workspace.waitFor(
    (event) => event.kind === "run" && event.run.status === "paused",
    "the run to be paused",
    from,
  );
}

long.test("kill -9 of the old process: a run that the new code contradicts is paused, says why, and goes on with code that agrees", async () => {
  await using workspace = await startWorkspace({ yaml, workflows: { w: code("old", order) } });
  await inRoundTwo(workspace);
  const { api } = workspace.kernel, old = workspace.pid("w");
  await save(workspace, code("other", ["two", "one"]));
  let from = workspace.events.length;
  Deno.kill(old, "SIGKILL");
  await held(workspace, from);
  const run = api.records.run("r");
  assert.deepEqual([run?.status, run?.rounds, run?.endedAt], ["paused", 1, null]);
  assert.match(
    run?.reason ?? "",
    /^paused: the code changed under the run, .* round 1 was done by "one", but .* now returns "two"$/,
  );
  assert.match(api.health().warnings.join(), /run r of w is paused: the code changed under the run/);
  assert.equal(api.workflows()[0]?.problem, null, "new runs start");
  await workspace.kernel.startWorkflow("w", { runId: "fresh" });
  assert.equal((await runEnd(workspace, "fresh")).status, "completed");
  from = workspace.events.length;
  await save(workspace, code("third", ["three"]));
  await held(workspace, from);
  workspace.write("gate/open2", "");
  await save(workspace, code("mended", order));
  const ended = await runEnd(workspace, "r");
  assert.deepEqual([ended.status, ended.reason], ["completed", null]);
  assert.deepEqual(contents(workspace), ["old one", "mended two", "mended three"]);
  assert.equal((await rowsOf(workspace, "r", "run.paused")).length, 2);
  assert.deepEqual(api.health().warnings, []);
});

long.test("code that changed while the daemon was down, or was killed, pauses a run; a kill ends it, also in the log", async () => {
  await using workspace = await startWorkspace({ yaml, workflows: { w: code("old", order) } });
  await inRoundTwo(workspace);
  await workspace.stop();
  workspace.write("workflows/w/index.ts", code("other", ["two", "one"]));
  for (let life = 1; life <= 2; life++) {
    const daemon = await Daemon.start(workspace.paths);
    try {
      const ask = () => daemon.client.run("r", false);
      await until(async () => (await ask()).reason?.startsWith("paused: ") ?? false);
      assert.equal((await ask()).status, "paused");
      if (life === 2) await daemon.client.killRun("r", {});
      else await daemon.kill();
    } finally {
      await daemon.kill();
    }
  }
  await workspace.start();
  const run = await runEnd(workspace, "r");
  assert.deepEqual([run.status, run.exitCode, run.reason], ["killed", 137, "killed on request"]);
  const types = (await workspace.rows({ refId: "r" })).map(({ type }) => type);
  assert.deepEqual(types.filter((type) => type === "run.paused" || type === "run.failed"), ["run.paused"]);
});

long.test("a paused run goes on when a person accepts its code, and keeps that over a kill -9", async () => {
  await using workspace = await startWorkspace({ yaml, workflows: { w: code("old", order) } });
  await inRoundTwo(workspace);
  await workspace.kernel.abandon(); // Gives the role no time.
  await workspace.stop();
  workspace.write("workflows/w/index.ts", code("other", ["two", "one", "three"]));
  for (let life = 1; life <= 2; life++) {
    const daemon = await Daemon.start(workspace.paths);
    try {
      const ask = () => daemon.client.run("r", false);
      if (life === 1) {
        await until(async () => (await ask()).reason?.startsWith("paused: ") ?? false);
        assert.equal((await daemon.client.resumeRun("r", true)).reason, null);
      } else {
        workspace.write("gate/open2", "");
        await until(async () => (await ask()).status !== "started");
      }
    } finally {
      await daemon.kill();
    }
  }
  await workspace.start();
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  assert.deepEqual(contents(workspace), ["old one", "other one", "other three"]);
});

async function until(fits: () => Promise<boolean>): Promise<void> {
  const poll = async () => {
    while (!await fits()) await delay(systemClock, 10);
  };
  await within(poll(), "the run to be held");
}
