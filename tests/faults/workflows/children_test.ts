/**
 * Runs that wait for runs, in real processes and over deaths of the daemon. What the bug would look like is a child that
 * starts twice or never, a parent that hangs or is told twice, or a child that outlives its parent.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import { runCli } from "../../../src/cli/app.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { isLong, long, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { makeWorkspace, startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

/** Checks every host of its configuration, and says how many are ill. */
const fleet = `import { children, type ChildResult, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    check: children(({ config, start }) =>
      (config.hosts as string[]).map((host) => ({ workflow: "check-host", payload: { host }, prompt: start.prompt }))),
    tell: ({ messages }) => {
      const runs = messages[0]?.meta.runs as unknown as ChildResult[];
      return { content: runs.map(({ status, content }) => status + " " + content).join(", "), meta: {} };
    },
  },
  moderator: ({ messages }) => (["check", "tell"] as const)[messages.length] ?? END,
});
`;
const checkHost = steps(`check: ({ start }) => {
  const { host } = start.payload as { host: string };
  if (host === "ill") throw new Error("no answer");
  return { content: host + " by " + start.trigger.kind, meta: {} };
}`);
const yaml = (hosts: string[], more = {}) => ({
  workflows: { fleet: { config: { hosts }, concurrency: 100 }, "check-host": { concurrency: 3, ...more } },
});

async function verify({ root }: WorkspaceFixture): Promise<void> {
  const io = new CapturedIo({ cwd: root });
  assert.equal(await runCli(["store", "verify", "--json"], io), 0, io.out);
}

Deno.test("a run checks its hosts by runs of another workflow, and goes on when all have ended", async () => {
  await using served = await serveWorkspace({
    yaml: yaml(["a", "ill", "b"]),
    workflows: { fleet, "check-host": checkHost },
  });
  const { workspace } = served;
  await workspace.kernel.startWorkflow("fleet", { runId: "r" });
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  const told = workspace.kernel.api.records.messages("r", {}).at(-1)?.content ?? "";
  assert.match(told, /^completed a by run, failed role check failed in round 1: no answer \(.*\), completed b by run$/);
  const shown = (await served.nerve("workflow", "inspect", "r")).out;
  assert.match(shown, /CHILD +WORKFLOW +STATUS +REASON\nr\.1\.1 +check-host +✅ completed +-\nr\.1\.2 .*no answer/);
  assert.match(shown, /0 of 3 have not ended\n/);
  assert.match((await served.nerve("workflow", "inspect", "r.1.2")).out, /started by +run r, round 1, row \d+\n/);
  const why = (await served.nerve("why", "r.1.2")).out;
  assert.match(
    why,
    /run r\.1\.2 of check-host was started\n.* because 💤 run r of fleet waits: role check waits for 3 runs\n/,
  );
  assert.deepEqual(JSON.parse((await served.nerve("workflow", "inspect", "r", "--json")).out).children[0], {
    ...{ round: 1, n: 1, runId: "r.1.1", workflow: "check-host", refused: null },
    run: { status: "completed", exitCode: 0, reason: null },
  });
  await served.stop();
  await verify(workspace);
});

long.test("runs that cannot be started are told as refused, and a list that is no list fails the run", async () => {
  const wrong = fleet.replace("(config.hosts as string[]).map(", "[{ workflow: 'Not A Name' }].map(");
  await using workspace = await startWorkspace({
    yaml: { workflows: { fleet: { config: { hosts: ["a"] } }, wrong: {} } },
    workflows: {
      fleet,
      wrong: wrong.replace(
        '(host) => ({ workflow: "check-host", payload: { host }, prompt: start.prompt })',
        "(each) => (void config, void start, each)",
      ),
    },
  });
  await workspace.kernel.startWorkflow("fleet", { runId: "r" });
  await runEnd(workspace, "r");
  assert.match(workspace.kernel.api.records.messages("r", {}).at(-1)?.content ?? "", /^refused .*check-host/);
  await workspace.kernel.startWorkflow("wrong", { runId: "w" });
  const run = await runEnd(workspace, "w");
  assert.match(
    run.reason ?? "",
    /^role check failed in round 1: its runs cannot be started: number 1 names no workflow/,
  );
});

long.test("children that end in the same moment: their parent is told once, of all", async () => {
  const hosts = Array.from({ length: 20 }, (_, n) => `h${n}`);
  const { settings } = gated, text = gated.text();
  await using workspace = await startWorkspace({
    yaml: { workflows: { fleet: { config: { hosts } }, "check-host": { concurrency: 20, ...settings } } },
    workflows: { fleet, "check-host": text },
  });
  closeGate(workspace);
  await workspace.kernel.startWorkflow("fleet", { runId: "r" });
  for (const [index] of hosts.entries()) {
    await workspace.log("workflow:check-host", new RegExp(`^r\\.1\\.${index + 1} works$`), 0);
  }
  openGate(workspace);
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  const [first] = workspace.kernel.api.records.messages("r", {});
  assert.equal(first?.content, "20 runs: 20 completed");
  assert.equal((await rowsOf(workspace, "r", "run.message")).length, 2);
});

/** A run "r" whose first child works, whose second one its queue has dropped, and whose third one is queued. */
async function startDropping(): Promise<WorkspaceFixture> {
  const { settings } = gated, text = gated.text();
  const workspace = await startWorkspace({
    yaml: {
      workflows: {
        fleet: { config: { hosts: ["a", "b", "c"] }, concurrency: 2 },
        "check-host": { concurrency: 1, max_queue: 1, ...settings },
      },
    },
    workflows: { fleet, "check-host": text },
  });
  closeGate(workspace);
  const working = workspace.log("workflow:check-host", /^r\.1\.1 works$/, 0);
  await workspace.kernel.startWorkflow("fleet", { runId: "r" });
  await working;
  await runEnd(workspace, "r.1.2");
  return workspace;
}

long.test("a child that its queue drops is told so", async () => {
  await using workspace = await startDropping();
  openGate(workspace);
  await runEnd(workspace, "r");
  const [message] = workspace.kernel.api.records.messages("r", {});
  assert.equal(message?.content, "3 runs: 2 completed, 1 dropped");
});

long.test("killing the parent kills the children that have not ended", async () => {
  await using workspace = await startDropping();
  await workspace.kernel.api.killRun("r", null);
  const ends = await Promise.all(["r.1.1", "r.1.2", "r.1.3"].map((id) => runEnd(workspace, id)));
  assert.deepEqual(ends.map(({ status }) => status), ["killed", "dropped", "killed"]);
  assert.equal(ends[2]?.reason, "run r, which waited for it, was killed");
});

long.test("a parent that waits for its own slot through another run says so in nerve why and inspect", async () => {
  const { settings } = gated, text = gated.text();
  await using served = await serveWorkspace({
    yaml: {
      workflows: {
        fleet: { config: { hosts: ["a"] }, concurrency: 2 },
        "check-host": { concurrency: 1, ...settings },
      },
    },
    workflows: { fleet, "check-host": text },
  });
  const { workspace } = served;
  closeGate(workspace);
  await atWork(workspace, "check-host", "other");
  await workspace.kernel.api.pauseRun("other", null);
  const queued = workspace.run("queued");
  await workspace.kernel.startWorkflow("fleet", { runId: "r" });
  await queued;
  for (const command of [["why", "r"], ["workflow", "inspect", "r"], ["workflow", "thread", "r"]]) {
    const { out } = await served.nerve(...command);
    assert.match(out, /run r\.1\.1 cannot start: runs of check-host that wait or are paused hold all 1 of its slots/);
  }
});

faultTest("kill -9 at any time: every child starts once, and every parent is told of all, once", async (seed) => {
  const random = randomFrom(seed), parents = Array.from({ length: isLong ? 5 : 2 }, (_, n) => `p${n}`);
  await using workspace = await makeWorkspace({
    yaml: yaml(["a", "b", "c"], { max_queue: 1_000 }),
    workflows: { fleet, "check-host": checkHost },
  });
  let daemon = await Daemon.start(workspace.paths);
  try {
    for (const id of parents) {
      const dies = delay(systemClock, random() * 120).then(() => daemon.kill());
      await start(daemon, id);
      await dies;
      daemon = await Daemon.start(workspace.paths);
      // A client that got no answer asks again.
      await start(daemon, id);
    }
    for (const id of parents) {
      await within(daemon.client.run(id, true), `the end of ${id}`, () => `${daemon.output}\n${repeatedBy(seed)}`);
    }
  } finally {
    await daemon.kill();
  }
  using reader = openReader(workspace);
  for (const id of parents) {
    const said = reader.messages(id).map(({ content }) => content);
    assert.deepEqual(
      said,
      ["3 runs: 3 completed", "completed a by run, completed b by run, completed c by run"],
      repeatedBy(seed),
    );
    for (const n of [1, 2, 3]) {
      const rows = reader.logs({ refId: `${id}.1.${n}` }).filter(({ payload }) => Object(payload).runId !== undefined);
      assert.equal(rows.length, 1, `${id}.1.${n} is created once. ${repeatedBy(seed)}`);
    }
  }
  await verify(workspace);
}, scaled);

faultTest("a parent that is killed while its children start, and kill -9 then: nothing of it goes on", async (seed) => {
  const random = randomFrom(seed), parents = Array.from({ length: 4 }, (_, n) => `p${n}`);
  const { settings } = gated, text = gated.text();
  await using workspace = await makeWorkspace({
    yaml: {
      workflows: {
        fleet: { config: { hosts: Array.from({ length: 30 }, () => "a") }, concurrency: 100 },
        "check-host": { concurrency: 5, max_queue: 1_000, ...settings },
      },
    },
    workflows: { fleet, "check-host": text },
  });
  closeGate(workspace);
  let daemon = await Daemon.start(workspace.paths);
  try {
    for (const id of parents) {
      await start(daemon, id);
      await delay(systemClock, random() * 60);
      const killed = daemon.client.killRun(id, {}).then(() => true, (thrown) => refused(thrown));
      await delay(systemClock, random() * 20);
      await daemon.kill();
      await killed;
      daemon = await Daemon.start(workspace.paths);
      await start(daemon, id);
      await daemon.client.killRun(id, {}).catch(refused);
    }
    const left = async () => {
      while ((await daemon.client.health()).runs.active + (await daemon.client.health()).runs.queued > 0) {
        await delay(systemClock, 20);
      }
    };
    await within(left(), "every run to end", () => `${daemon.output}\n${repeatedBy(seed)}`);
  } finally {
    await daemon.kill();
  }
  using reader = openReader(workspace);
  for (const id of parents) {
    assert.equal(reader.run(id)?.status, "killed", id);
    for (const { runId, run } of reader.children(id)) {
      assert.ok(run === null || run.status === "killed", `${runId} is ${run?.status}. ${repeatedBy(seed)}`);
    }
  }
  await verify(workspace);
}, long);

function refused(thrown: unknown): boolean {
  if (!(thrown instanceof NerveError)) throw thrown;
  return false;
}

async function start({ client }: Daemon, runId: string): Promise<void> {
  await client.startRun("fleet", { runId }).catch(refused);
}

function openReader({ paths }: WorkspaceFixture): StoreReader & Disposable {
  const reader = StoreReader.open(paths.logDatabase) ?? assert.fail();
  return Object.assign(reader, { [Symbol.dispose]: () => reader.close() });
}
