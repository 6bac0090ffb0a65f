/** A changed nerve.yaml under a running kernel: changes are applied, and nothing else is touched. */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { configSettleMs } from "../../../src/base/watch_limits.ts";
import { ConfigApplier } from "../../../src/deploy/config_applier.ts";
import { CurrentConfig } from "../../../src/deploy/current_config.ts";
import { PermissionLockInForce } from "../../../src/deploy/permission_lock.ts";
import { VariablesInForce } from "../../../src/deploy/variables.ts";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { makeWorkspace, startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const echo = "export const compute = ({ config, peers }) => ({ config, peers: Object.keys(peers).sort() });\n";
const write = (workspace: WorkspaceFixture, yaml: unknown) => workspace.write("nerve.yaml", stringify(yaml));

Deno.test("senses are added, removed and changed without new processes for the others, and a new one is a peer of the others", async () => {
  await using workspace = await startWorkspace({
    senses: { a: echo, b: echo, c: echo },
    yaml: { senses: { a: {}, b: {} } },
  });
  assert.deepEqual(await workspace.payload("a"), { config: {}, peers: ["b"] });
  await workspace.payload("b");
  const pids = [workspace.pid("a"), workspace.pid("b")];
  write(workspace, { senses: { a: {}, b: { config: { x: 1 }, timeout: "3s" }, c: {} } });
  const reply = await workspace.kernel.api.reload();
  assert.deepEqual(reply.changes, [{ of: "sense:b", change: "changed" }, { of: "sense:c", change: "added" }]);
  assert.deepEqual([reply.replaced, reply.configError], [["group:b"], null]);
  assert.deepEqual(await workspace.payload("a"), { config: {}, peers: ["b", "c"] });
  assert.deepEqual(await workspace.payload("b"), { config: { x: 1 }, peers: ["a", "c"] });
  assert.deepEqual(await workspace.payload("c"), { config: {}, peers: ["a", "b"] });
  assert.equal(workspace.pid("a"), pids[0]);
  assert.notEqual(workspace.pid("b"), pids[1]);

  write(workspace, { senses: { a: {}, c: {} } });
  assert.deepEqual((await workspace.kernel.api.reload()).changes, [{ of: "sense:b", change: "removed" }]);
  assert.equal(workspace.kernel.api.sense("b"), null);
  const current = workspace.health().units.filter(({ state }) => state !== "draining");
  assert.deepEqual(current.map(({ name }) => name), ["a", "c"]);
  await assert.rejects(workspace.kernel.triggerSense("b"), { code: "SENSE_UNKNOWN" });
  assert.deepEqual(await workspace.payload("a"), { config: {}, peers: ["c"] });
  assert.equal(workspace.pid("a"), pids[0]);
  const rows = await workspace.rows({ type: "config.loaded" });
  assert.equal(rows.length, 2);
});

long.test("changes of order, comments, reflexes, throttles and timeouts replace no process", async () => {
  await using workspace = await startWorkspace({
    senses: { a: echo, b: echo },
    yaml: { senses: { a: { group: "g", config: { x: 1, y: 2 } }, b: { group: "g" } } },
  });
  await workspace.payload("a");
  const pid = workspace.pid("g");
  workspace.write(
    "nerve.yaml",
    `# the same, told otherwise
senses:
  b: { group: g, throttle: 10ms, timeout: 9s, grace_period: 1s }
  a: { config: { y: 2, x: 1 }, group: g }
reflexes: [{ sense: b, interval: 1h }]
`,
  );
  assert.deepEqual((await workspace.kernel.api.reload()).replaced, []);
  await workspace.payload("a");
  assert.equal(workspace.pid("g"), pid);
  assert.deepEqual(workspace.sense("b").reflexes, ["every 1h"]);
});

long.test("an invalid nerve.yaml changes nothing and is reported once, and the next valid one clears the error", async () => {
  await using workspace = await startWorkspace({
    senses: { a: echo },
    files: { "lib/old.ts": "export {};\n" },
    watch: true,
  });
  await workspace.payload("a");
  const pid = workspace.pid("a"),
    good = Deno.readTextFileSync(workspace.paths.configFile),
    from = workspace.events.length;
  workspace.write("nerve.yaml", "senses: { a: { throttle: soon } }\n");
  const { message } = await workspace.problem("kernel", /was refused/, from);
  assert.match(message, /nerve\.yaml:1:\d+ error senses\.a\.throttle/);
  assert.match(workspace.health().configError ?? "", /senses\.a\.throttle/);
  // The same problem again, and an unrelated change: it is not reported twice.
  workspace.write("nerve.yaml", "senses: { a: { throttle: soon } }\n");
  workspace.write("lib/new.ts", "export {};\n");
  const reply = await workspace.kernel.api.reload();
  assert.match(reply.configError ?? "", /senses\.a\.throttle/);
  assert.equal(reply.problems[0]?.about, "senses.a.throttle");
  assert.equal((await workspace.rows({ type: "config.refused" })).length, 1);
  await workspace.payload("a");
  assert.equal(workspace.pid("a"), pid);
  workspace.write("nerve.yaml", good);
  await workspace.log("kernel", /valid again/, from);
  assert.equal(workspace.health().configError, null);
  assert.equal(workspace.pid("a"), pid);
});

long.test("an empty nerve.yaml is rejected; an explicit {} removes everything", async () => {
  // The bug was: a file that was empty for a moment ended all waiting runs as "no longer in the configuration".
  await using workspace = await startWorkspace({ senses: { a: echo } });
  await workspace.payload("a");
  const pid = workspace.pid("a"), good = Deno.readTextFileSync(workspace.paths.configFile);
  for (const text of ["", "# senses: { a: {} }\n"]) {
    workspace.write("nerve.yaml", text);
    const from = workspace.events.length, reply = await workspace.kernel.api.reload();
    assert.deepEqual([reply.changes, reply.problems.length], [[], 1]);
    assert.match(reply.configError ?? "", /^nerve\.yaml:1:1 error is empty/);
    if (text === "") await workspace.problem("kernel", /was refused; the previous one stays in force/, from);
  }
  assert.equal((await workspace.rows({ type: "config.refused" })).length, 1);
  await workspace.payload("a");
  assert.equal(workspace.pid("a"), pid);
  workspace.write("nerve.yaml", good);
  assert.equal((await workspace.kernel.api.reload()).configError, null);
  workspace.write("nerve.yaml", "{}\n");
  assert.deepEqual((await workspace.kernel.api.reload()).changes, [{ of: "sense:a", change: "removed" }]);
  // One rule, also when no configuration is in force and nothing can be lost.
  workspace.write("nerve.yaml", "");
  assert.match((await workspace.kernel.api.reload()).configError ?? "", /is empty/);
});

long.test("a nerve.yaml that removes entries is applied after a rest, and at once on request", async () => {
  // The bug was: an editor that saves in two steps ended every waiting run, and restarted the ticks of all senses.
  const clock = new FakeClock(), yaml = "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1h }]\n";
  await using workspace = await makeWorkspace({ senses: { a: echo, b: echo }, yaml });
  const config = await workspace.config();
  const lock = await PermissionLockInForce.open(workspace.paths);
  const applied = () => assert.fail("it was put in force");
  const inForce = () => {
    const current = new CurrentConfig(config);
    const applier = new ConfigApplier({
      ...{
        current,
        lock,
        variables: new VariablesInForce(config, workspace.paths),
        paths: workspace.paths,
        clock,
        launch: { isolation: systemIsolation() },
        append: () => {},
        emit: () => {},
        approvals: { configure: applied },
        engineHost: { configure: applied },
        hooks: { configure: applied },
        lastCronTick: () => null,
        schedules: { setPlans: applied },
      },
      supervisor: {
        ...{ putUnit: applied, replaceProcess: applied, resetUnit: applied },
        release: applied,
        removeUnit: applied,
        findProcess: applied,
      },
      senses: { putSense: applied, keepOnly: applied },
      workflows: { configure: applied, onCodeReplaced: applied },
      scheduler: { setPlans: applied },
      watches: { setPlans: applied },
      alerts: { configure: applied },
    });
    return { current, applier };
  };
  const halves = [
    "senses:\n",
    "senses: { a: {} }\nreflexes: [{ sense: a, interval: 1h }]\n",
    "senses: { a: {}, b: {} }\n",
  ];
  for (const half of halves) {
    const { current, applier } = inForce();
    workspace.write("nerve.yaml", half);
    Deno.utimeSync(workspace.paths.configFile, clock.now() / 1_000, clock.now() / 1_000);
    assert.equal((await applier.reread(false)).settleMs, configSettleMs);
    await clock.tick(configSettleMs - 1);
    assert.equal((await applier.reread(false)).settleMs, 1);
    assert.deepEqual([[...current.config.senses.keys()], current.error], [["a", "b"], null]);
    await assert.rejects(inForce().applier.reread(true), /put in force/);
    await clock.tick(1);
    await assert.rejects(applier.reread(false), /put in force/);
  }
});

long.test("an entry removed from nerve.yaml under a watching kernel is soon gone", async () => {
  await using workspace = await startWorkspace({ senses: { a: echo, b: echo }, watch: true });
  await workspace.payload("a");
  const pid = workspace.pid("a");
  workspace.write("nerve.yaml", "senses: { a: {} }\n");
  await workspace.log("kernel", /was loaded: sense:b removed/);
  assert.equal(workspace.kernel.api.sense("b"), null);
  assert.equal(workspace.pid("a"), pid);
});

long.test("a hundred reloads neither repeat nor skip a tick, nor touch the counters of an unchanged sense", async () => {
  const clock = new FakeClock();
  const ticking = "export const compute = ({ trigger }) => ({ due: trigger.due });\n";
  const yaml = (round: number) => ({
    senses: { steady: {}, other: { throttle: `${10 + round}ms`, config: { round } } },
    reflexes: [{ sense: "steady", interval: "1s" }, { sense: "other", interval: `${60 + round}m` }],
  });
  await using workspace = await startWorkspace({ clock, senses: { steady: ticking, other: ticking }, yaml: yaml(0) });
  const dues = () =>
    workspace.events.flatMap((event) =>
      event.kind === "signal" && event.signal.sense === "steady" ? [(event.signal.payload as { due: number }).due] : []
    );
  const beats = async (count: number) => {
    // Nobody waits for the signal, and the clock of the disk's pause stands still: reading the rows commits them.
    while (dues().length < count) await workspace.rows({ limit: 1 });
  };
  const started = clock.now();
  await clock.tick(0);
  await beats(1);
  const pid = workspace.pid("steady");
  for (let round = 1; round <= 100; round++) {
    write(workspace, yaml(round));
    const { changes, replaced } = await workspace.kernel.api.reload();
    assert.deepEqual([changes.map(({ of }) => of), replaced], [["sense:other"], ["group:other"]]);
    // 600 ms per round: reloads fall before, on and after ticks.
    await clock.tick(600);
    await beats(1 + Math.floor(round * 0.6));
  }
  assert.deepEqual(dues(), Array.from({ length: 61 }, (_, tick) => started + tick * 1_000));
  assert.equal(workspace.sense("steady").counters.computes, 61);
  assert.equal(workspace.pid("steady"), pid);
});

long.test("a workflow's concurrency changes without a new process; a removed workflow lets its run finish first", async () => {
  const waits = `import { defineWorkflow, END } from "nerve";
    const open = async (name) => {
      for (;;) { try { return Deno.statSync("files/" + name); } catch { await new Promise((go) => setTimeout(go, 5)); } }
    };
    export default defineWorkflow({
      roles: { one: async ({ start }) => { await open(start.prompt); return { content: start.prompt, meta: {} }; } },
      moderator: ({ messages }) => messages.length === 0 ? "one" : END,
    });\n`;
  const yaml = (concurrency: number) => ({ workflows: { w: { concurrency, permissions: { read: ["files"] } } } });
  await using workspace = await startWorkspace({ yaml: yaml(1), workflows: { w: waits }, files: { "files/none": "" } });
  const { api: view } = workspace.kernel, gone = new AbortController().signal;
  const start = (prompt: string) => workspace.kernel.startWorkflow("w", { prompt });
  const first = await start("first"), second = await start("second"), third = await start("third");
  assert.deepEqual([first, second, third].map(({ status }) => status), ["started", "queued", "queued"]);
  await workspace.change("workflow:w", "ready");
  const pid = workspace.pid("w"), from = workspace.events.length;
  write(workspace, yaml(2));
  assert.deepEqual((await view.reload()).replaced, []);
  await workspace.run("started", from);
  assert.deepEqual(view.workflows().map(({ active, queued }) => [active, queued]), [[2, 1]]);

  write(workspace, yaml(1));
  await view.reload();
  workspace.write("files/first", "");
  await view.runEnded(first.runId, gone);
  assert.deepEqual(view.workflows().map(({ active, queued }) => [active, queued]), [[1, 1]], "the third one waits");
  assert.equal(workspace.pid("w"), pid);

  write(workspace, {});
  assert.deepEqual((await view.reload()).changes, [{ of: "workflow:w", change: "removed" }]);
  await view.runEnded(third.runId, gone);
  workspace.write("files/second", "");
  await view.runEnded(second.runId, gone);
  const statuses = [first, second, third].map(({ runId }) => view.records.run(runId)?.status);
  assert.deepEqual(statuses, ["completed", "completed", "interrupted"]);
  await assert.rejects(start("late"), { code: "WORKFLOW_UNKNOWN" });
  await workspace.change("workflow:w", "ended");
});
