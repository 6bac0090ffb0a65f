/** A workflow's process dies with several runs in it: no run is lost, and only the run that is to blame ends. */
import assert from "node:assert/strict";
import { exitCode } from "../../../src/protocol/run.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const runs = ["one", "two", "three"] as const;

async function threeAtWork(workflow: string): Promise<WorkspaceFixture> {
  const workspace = await startWorkspace({
    yaml: { workflows: { [workflow]: { concurrency: 3, ...gated.settings } } },
    workflows: { [workflow]: gated.text(2) },
  });
  closeGate(workspace);
  for (const id of runs) await atWork(workspace, workflow, id);
  return workspace;
}

for (const [signal, cause] of [["SIGKILL", /killed from outside/], ["SIGABRT", /aborted/]] as const) {
  (signal === "SIGKILL" ? Deno : long).test(
    `after ${signal} of a process with three runs, each is resumed as attempt 2 and completes`,
    async () => {
      await using workspace = await threeAtWork("w");
      const from = workspace.events.length;
      Deno.kill(workspace.pid("w"), signal);
      await workspace.change("workflow:w", "died", from);
      openGate(workspace);
      for (const id of runs) {
        const run = await runEnd(workspace, id);
        assert.deepEqual([run.status, run.attempt, run.rounds], ["completed", 2, 2], run.reason ?? "");
        const [row, ...more] = await rowsOf(workspace, id, "run.crashed");
        assert.deepEqual([row?.attempt, row?.round, more.length], [1, 1, 0]);
        assert.match(String(row?.cause), cause);
      }
    },
  );
}

/** Dies once, with its siblings at work: it leaves a file that tells the next attempts not to. */
const dying = (end: string) =>
  steps(
    `work: async ({ start, log, config }) => {
      const marker = String(config.marker);
      const done = () => { try { Deno.statSync(marker); return true; } catch { return false; } };
      const again = done();
      log("info", start.runId + " works");
      if (again) return { content: "", meta: {} };
      if (start.runId !== "three") await new Promise(() => {});
      Deno.writeTextFileSync(marker, "");
      ${end}
    }`,
    `({ messages }) => messages.length === 0 ? "work" : END`,
  );

async function diesByItself(end: string, factor: number, cause: RegExp): Promise<void> {
  await using workspace = await startWorkspace({
    clock: fastClock(factor),
    yaml: {
      workflows: {
        w: {
          concurrency: 3,
          memory: "64MiB",
          permissions: { read: ["./marks"], write: ["./marks"] },
          config: { marker: "marks/marker" },
        },
      },
    },
    workflows: { w: dying(end) },
  });
  Deno.mkdirSync(`${workspace.root}/marks`);
  for (const id of runs) await atWork(workspace, "w", id);
  for (const id of runs) {
    const run = await runEnd(workspace, id);
    assert.deepEqual([run.status, run.attempt], ["completed", 2], `${id}: ${run.reason}`);
    const [row] = await rowsOf(workspace, id, "run.crashed");
    assert.match(String(row?.cause), cause);
  }
}

long.test("when a role uses up all memory its siblings restart with it, and all of them complete", async () => {
  const eat = "const held: unknown[] = []; for (;;) held.push(new Array(100_000).fill(held.length));";
  await diesByItself(eat, 1, /memory/);
});

long.test("when a role loops for ever its siblings restart with it, and all of them complete", async () => {
  await diesByItself("for (;;);", 5, /did not answer/);
});

long.test("a moderator that never answers costs its process, but not the last message", async () => {
  // The bug would be: the moderator is asked while the message has not left yet, and the finished role runs again.
  await using workspace = await startWorkspace({
    clock: fastClock(5),
    yaml: {
      workflows: {
        w: { permissions: { read: ["./marks"], write: ["./marks"] }, config: { marks: "marks" } },
      },
    },
    workflows: {
      w: `let marks = "";\n${
        steps(
          `work: ({ config }) => {
            marks = String(config.marks);
            Deno.writeTextFileSync(marks + "/worked", "x", { append: true });
            return { content: "done", meta: {} };
          }`,
          `({ messages }) => {
            if (messages.length === 0) return "work";
            const asked = marks + "/asked", first = marks !== "" && [...Deno.readDirSync(marks)].length === 1;
            if (first) { Deno.writeTextFileSync(asked, ""); for (;;); }
            return END;
          }`,
        )
      }`,
    },
  });
  Deno.mkdirSync(`${workspace.root}/marks`);
  const { runId } = await workspace.kernel.startWorkflow("w");
  const run = await runEnd(workspace, runId);
  assert.deepEqual([run.status, run.attempt, run.rounds], ["completed", 2, 1], run.reason ?? "");
  assert.equal(Deno.readTextFileSync(`${workspace.root}/marks/worked`), "x");
  const [death, ...more] = await rowsOf(workspace, runId, "run.crashed");
  assert.deepEqual([death?.round, more.length], [2, 0]);
});

long.test("a run whose process is killed from outside again and again goes on, and completes", async () => {
  await using workspace = await threeAtWork("w");
  for (let kill = 1; kill <= 4; kill++) {
    const from = workspace.events.length;
    Deno.kill(workspace.pid("w"), "SIGKILL");
    await workspace.change("workflow:w", "died", from);
    for (const id of runs) await workspace.log("workflow:w", new RegExp(`^${id} works$`), from);
  }
  openGate(workspace);
  for (const id of runs) {
    const { status, attempt, reason } = await runEnd(workspace, id);
    assert.deepEqual([status, attempt], ["completed", 5], reason ?? "");
    const causes = (await rowsOf(workspace, id, "run.crashed")).map(({ cause }) => String(cause));
    assert.match(causes.at(-1) ?? "", /killed from outside \(SIGKILL\), 4 times at this round; the run waits 2s$/);
  }
});

long.test("three deaths at one round end only that run as crashed (255); its siblings complete", async () => {
  await using workspace = await threeAtWork("w");
  // "one" is to blame: each time it begins, its process dies.
  for (let death = 1; death <= 3; death++) {
    const from = workspace.events.length;
    Deno.kill(workspace.pid("w"), "SIGABRT");
    await workspace.change("workflow:w", "died", from);
    if (death < 3) await workspace.log("workflow:w", /^one works$/, from);
  }
  const culprit = await runEnd(workspace, "one");
  assert.deepEqual([culprit.status, culprit.exitCode], ["crashed", exitCode.crashed]);
  assert.match(culprit.reason ?? "", /^its process died 3 times at round 1, the last time it aborted/);
  openGate(workspace);
  for (const id of ["two", "three"]) assert.equal((await runEnd(workspace, id)).status, "completed");
});

long.test("five deaths in a minute quarantine a workflow: new runs are queued or dropped, started ones wait, and a reset lifts it", async () => {
  await using workspace = await startWorkspace({
    yaml: {
      workflows: {
        queues: { overflow: "queue", max_queue: 5, ...gated.settings },
        drops: { overflow: "drop", ...gated.settings },
      },
    },
    workflows: { queues: gated.text(), drops: gated.text() },
  });
  closeGate(workspace);
  const { kernel } = workspace;
  await Promise.all(["queues", "drops"].map(async (name) => {
    for (const [id, deaths] of [["crashes", 3], ["waits", 2]] as const) {
      await atWork(workspace, name, `${name}-${id}`);
      for (let death = 1; death <= deaths; death++) {
        const from = workspace.events.length;
        Deno.kill(workspace.pid(name), "SIGABRT");
        await workspace.change(`workflow:${name}`, "died", from);
        if (death < deaths) await workspace.log(`workflow:${name}`, / works$/, from);
      }
      // Three deaths end the first run; the second has had two when the quarantine comes.
      if (id === "crashes") assert.equal((await runEnd(workspace, `${name}-crashes`)).status, "crashed");
    }
    await workspace.change(`workflow:${name}`, "quarantined");
    assert.equal(kernel.api.records.run(`${name}-waits`)?.status, "started");
  }));
  for (const name of ["queues", "drops"]) {
    assert.match(workspace.unit(name).reason ?? "", /^died 5 times in 60 s, the last time it aborted/);
    const view = kernel.api.workflows().find((each) => each.name === name);
    assert.match(view?.problem ?? "", /^quarantined: died 5 times in 60 s/);
  }
  assert.equal((await kernel.startWorkflow("queues", { runId: "next" })).status, "queued");
  assert.equal((await kernel.startWorkflow("drops")).status, "dropped");
  openGate(workspace);
  assert.equal(kernel.api.resetWorkflow("queues"), true);
  assert.equal(kernel.api.resetWorkflow("drops"), true);
  for (const id of ["queues-waits", "drops-waits", "next"]) {
    assert.equal((await runEnd(workspace, id)).status, "completed", id);
  }
  assert.equal(kernel.api.resetWorkflow("queues"), false);
  assert.equal(kernel.api.resetWorkflow("none"), null);
  assert.equal((await workspace.rows({ source: "workflow:queues", type: "group.reset" })).length, 1);
});
