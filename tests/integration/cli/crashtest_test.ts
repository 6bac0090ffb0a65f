/**
 * `nerve crashtest`, with its real daemon: the workflows of the library in a short form, a workflow with a gate, an event, a
 * sleep and a role that runs once, and one that does not recover. Danger: a proof that proves nothing.
 */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { runCli } from "../../../src/cli/app.ts";
import type { CrashtestOutput } from "../../../src/cli/render/crashtest_schemas.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { isLong, long, scaled } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";
import { makeWorkspace, processesIn, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

interface Tested {
  readonly code: number;
  readonly output: CrashtestOutput;
}

async function crashtest(workspace: WorkspaceFixture, ...args: string[]): Promise<Tested> {
  const io = new CapturedIo({ cwd: workspace.root });
  const code = await runCli(["crashtest", ...args, "--json"], io);
  assert.equal(io.err, "", io.out);
  return { code, output: JSON.parse(io.out) as CrashtestOutput };
}

const pay = `import { defineWorkflow, END, event, gate, sleep } from "nerve";
export default defineWorkflow({
  roles: {
    ask: gate({ title: "Charge?", options: ["approve", "reject"] }),
    charge: {
      effect: "once",
      run: ({ config }) => {
        Deno.writeTextFileSync(String(config.file), "charged\\n", { append: true });
        return { content: "charged", meta: { id: 7 } };
      },
    },
    cool: sleep("1h"),
    told: event("told"),
    thank: ({ messages, start }) => ({ content: start.payload + " " + messages[1]?.meta.id, meta: {} }),
  },
  moderator: ({ messages }) =>
    messages[0]?.meta.decision === "reject" ? END : (["ask", "charge", "cool", "told", "thank"] as const)[messages.length] ?? END,
});
`;

long.test("a workflow with every kind of step recovers at every boundary, and its workspace is as it was", async () => {
  const permissions = { read: ["./side"], write: ["./side"] };
  const yaml = { workflows: { pay: { permissions, config: { file: "side/charges" } } } };
  await using workspace = await makeWorkspace({ yaml, workflows: { pay }, files: { "side/charges": "before\n" } });
  assert.equal(await runCli(["permissions", "approve"], new CapturedIo({ cwd: workspace.root })), 0);
  const before = [...Deno.readDirSync(workspace.root)].map(({ name }) => name).sort();
  const { code, output } = await crashtest(workspace, "pay", "--payload", "5", "--event", "told={}", "--seed", "1");
  assert.deepEqual(output.trials.filter(({ problem }) => problem !== null), []);
  assert.deepEqual([code, output.ok, output.undisturbed.status], [0, true, "completed"]);
  assert.deepEqual(output.undisturbed.roles, ["ask", "charge", "cool", "told", "thank"]);
  assert.equal(output.trials.length, 2 * 6 + 3 * 3);
  const of = (boundary: string, role: string) =>
    output.trials.filter((trial) => trial.boundary === boundary && trial.role === role);
  assert.ok(output.trials.every(({ struck }) => struck), "each boundary was reached");
  assert.deepEqual(of("in", "thank").map(({ ranTwice }) => ranTwice), [["thank"], ["thank"]], "a role may run twice");
  assert.deepEqual(of("in", "charge").map(({ ranTwice, asked }) => [ranTwice, asked]), [[[], 1], [[], 1]]);
  assert.deepEqual(of("before", "charge").map(({ asked }) => asked), [1, 1]);
  assert.deepEqual(of("sent", "charge").map(({ asked }) => asked), [0, 0]);
  assert.deepEqual([...Deno.readDirSync(workspace.root)].map(({ name }) => name).sort(), before);
  assert.equal(Deno.readTextFileSync(`${workspace.root}/side/charges`), "before\n");
  const decided = await crashtest(workspace, "pay", "--decide", "ask=reject", "--limit", "1");
  assert.deepEqual([decided.code, decided.output.undisturbed.roles], [0, ["ask"]]);
  assert.deepEqual([decided.output.boundaries, decided.output.trials.length], [3, 1]);
  assert.deepEqual(processesIn(workspace.root), []);
});

long.test("a workflow that does not recover, waits for what nobody sends or never ends is told so", async () => {
  const ends = `moderator: ({ messages }) => (["one", "two"] as const)[messages.length] ?? END });`;
  const forgets = `import { defineWorkflow, END } from "nerve";
let played = false;
export default defineWorkflow({
  roles: {
    one: () => (played = true, { content: "one", meta: {} }),
    two: () => {
      if (!played) throw new Error("I forgot");
      return { content: "two", meta: {} };
    },
  },
  ${ends}`;
  const waits = `import { defineWorkflow, END, event } from "nerve";
export default defineWorkflow({ roles: { one: event("go"), two: event("stop") }, ${ends}`;
  await using workspace = await makeWorkspace({ workflows: { forgets, waits } });
  const { code, output } = await crashtest(workspace, "forgets");
  assert.deepEqual([code, output.ok, output.undisturbed.problem], [1, false, null]);
  const wrong = output.trials.filter(({ problem }) => problem !== null);
  assert.match(
    wrong[0]?.problem ?? "",
    /ended as failed \(role two failed in round 2: I forgot.*undisturbed as completed/,
  );
  assert.ok(wrong.every(({ role, boundary }) => role === "two" || boundary === "sent"));
  const io = new CapturedIo({ cwd: workspace.root });
  assert.equal(await runCli(["crashtest", "waits", "--event", "go=1"], io), 2, io.out);
  assert.match(io.err, /role two waits for the event stop, which nobody sends\n.*--event stop=JSON/);
  assert.equal(await runCli(["crashtest", "nothing"], io), 1);
});

long.test("a run that is replayed runs no role", async () => {
  const once = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    one: ({ start }) => {
      if (start.runId !== "real") throw new Error("it really ran");
      return { content: "one", meta: { n: 1 } };
    },
  },
  moderator: ({ messages }) => (messages.length === 0 ? "one" : END),
});
`;
  await using workspace = await makeWorkspace({ workflows: { once } });
  await workspace.start();
  await workspace.kernel.startWorkflow("once", { runId: "real" });
  await workspace.run("completed");
  const { code, output } = await crashtest(workspace, "once", "--replay", "real");
  assert.deepEqual([code, output.ok, output.trials.length], [0, true, 6]);
  assert.equal((await crashtest(workspace, "once", "--limit", "1")).output.undisturbed.status, "failed");
});

scaled.test("the workflows of the library recover", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-test-" }), permissions = { read: [folder], write: [folder] };
  const command = ["true"], config = { command, check: command, even_if_running: true, settle: "1ms", dry_run: false };
  const workflows = {
    cleanup: { permissions, config: { folder, older_than: "1ms" } },
    digest: { permissions, config: { folder } },
    notify: { permissions, config: { file: `${folder}/notify.txt` } },
    "restart-service": { permissions: { run: command }, config },
  };
  await using workspace = await makeWorkspace({ yaml: { workflows } });
  for (const part of ["lib", "workflows"]) {
    await cp(`${repository}/${part}`, `${workspace.root}/${part}`, { recursive: true });
  }
  try {
    for (const name of isLong ? Object.keys(workflows) : ["notify"]) {
      const { code, output } = await crashtest(workspace, name, "--limit", "2", "--seed", "7");
      const wrong = [output.undisturbed.problem, ...output.trials.map(({ problem }) => problem)];
      assert.equal(code, 0, `${name}: ${wrong.filter((each) => each !== null)}`);
      assert.deepEqual([output.undisturbed.status, output.trials.length], ["completed", 2], name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
