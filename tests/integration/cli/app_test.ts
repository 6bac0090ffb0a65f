/** The command line in process: real files, a real control socket with a fake kernel behind it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { runCli } from "../../../src/cli/app.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { createApp } from "../../../src/control/app.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { runSchema, triggerReplySchema } from "../../../src/protocol/api.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { aRun, aSense, FakeView } from "../../support/fake_view.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

async function nerve(cwd: string, ...argv: string[]) {
  const io = new CapturedIo({ cwd });
  const code = await runCli(argv, io);
  return { code, out: io.out, err: io.err };
}

/** A workspace whose daemon is a fake kernel behind the real API. */
async function withDaemon(test: (root: string, view: FakeView) => Promise<void>): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { cpu-usage: {} }\nworkflows: { cleanup: {} }\n" });
    const view = new FakeView();
    const server = await serveControl(createApp(view, { version: "0", stop: () => {}, report: () => {} }), {
      path: workspacePaths(root).socket,
      clock: systemClock,
      report: () => {},
    });
    try {
      await test(root, view);
    } finally {
      await server.stop();
    }
  });
}

Deno.test("help and version need nothing", async () => {
  const help = await nerve("/", "--help");
  assert.equal(help.code, 0);
  for (const name of ["init", "validate", "run", "sense", "workflow", "events", "version"]) {
    assert.match(help.out, new RegExp(`^  ${name} +\\S`, "m"));
  }
  assert.match((await nerve("/", "workflow", "trigger", "--help")).out, /EXAMPLES\n {2}nerve workflow trigger cleanup/);
  assert.match((await nerve("/", "version")).out, /^nerve \d+\.\d+\.\d+ \(\w+, deno /);
  assert.ok("nerve" in JSON.parse((await nerve("/", "version", "--json")).out));
  for (const flag of ["--version", "-V"]) assert.deepEqual(await nerve("/", flag), await nerve("/", "version"));
  assert.deepEqual(await nerve("/", "help"), help);
  assert.deepEqual(await nerve("/", "help", "sense", "add"), await nerve("/", "sense", "add", "--help"));
});

Deno.test("what the operating system refuses is no bug of nerve: it is told with what to do", async () => {
  await inTempDir(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "");
    const { code, err } = await nerve(root, "init", "file");
    assert.equal(code, 1);
    assert.match(err, /^❌ A file is where a folder should be: .*\n {3}Choose another path/);
    assert.doesNotMatch(err, /bug of nerve/);
  });
});

Deno.test("wrong usage exits 2 and says what was meant", async () => {
  const cases: [string[], RegExp][] = [
    [["wrkflow"], /did you mean `workflow`/],
    [["workflow", "list", "--al"], /did you mean --all/],
    [["workflow", "list", "--limit", "many"], /--limit cannot be "many": write a whole number from 1/],
    [["run", "--for", "soon"], /--for: "soon" is not a duration/],
    [["workflow", "trigger", "cleanup", "--id", "bad id!"], /--id bad id!: a run cannot have this id/],
    [["dev", "--for", "soon"], /is not a duration/],
    [["workflow", "thread"], /RUN/],
    [["workflow", "list", "--status", "done"], /"done" is not a status/],
    [["events", "--source", "inbox"], /No row has the source "inbox"\n {3}write kernel, group:NAME/],
    [["workflow", "trigger", "cleanup", "--payload", "{"], /--payload is not JSON/],
  ];
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "workflows: { cleanup: {} }\n" });
    for (const [argv, what] of cases) {
      const { code, out, err } = await nerve(root, ...argv);
      assert.equal(code, 2, argv.join(" "));
      assert.match(err, what);
      assert.match(err, /^❌ .*\n {3}\S/);
      assert.doesNotMatch(err, /\.ts:\d/);
      assert.equal(out, "");
    }
  });
});

Deno.test("outside of a workspace a command says so, and where nobody runs it exits 3", async () => {
  await inTempDir(async (root) => {
    const lost = await nerve(root, "sense", "list");
    assert.equal(lost.code, 1);
    assert.match(lost.err, /nerve init/);
    await writeWorkspace(root, { "nerve.yaml": "senses: { a: {} }\nworkflows: { cleanup: {} }\n" });
    for (const argv of [["sense", "trigger", "a"], ["workflow", "trigger", "cleanup"]]) {
      const { code, err } = await nerve(root, ...argv);
      assert.equal(code, 3);
      assert.match(err, /no daemon runs in .*\n {3}nerve start/);
    }
  });
});

Deno.test("sense list shows the live state, and the same in JSON", async () => {
  await withDaemon(async (root, view) => {
    view.sensesByName.set("bad", aSense({ name: "bad", lastCompute: null, problem: "cannot be loaded: x\x1b[2J" }));
    const text = await nerve(root, "sense", "list");
    assert.equal(text.code, 0);
    assert.match(text.out, /🟢 {2}cpu-usage +system .* signal, .* 3 +1 +0 +2 null, 1 throttled/);
    assert.match(text.out, /🔴 bad: cannot be loaded: x\\u001b\[2J/);
    const { daemon, items } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    assert.equal(daemon, true);
    assert.deepEqual(items[0], aSense());
  });
});

Deno.test("sense trigger says how it was taken, and with --wait how it ended", async () => {
  await withDaemon(async (root, view) => {
    assert.match((await nerve(root, "sense", "trigger", "cpu-usage")).out, /compute 7 has started/);
    view.result = { kind: "signal", signal: { id: 9, sense: "cpu-usage", payload: { used: 1 }, ts: 0 } };
    const waited = await nerve(root, "sense", "trigger", "cpu-usage", "--wait");
    assert.deepEqual([waited.code, waited.out], [0, `📡 cpu-usage signal 9 {"used":1}\n`]);
    view.result = { kind: "error", code: "throw", message: "no df", place: { file: "index.ts", line: 3, column: 9 } };
    const failed = await nerve(root, "sense", "trigger", "cpu-usage", "--wait");
    assert.deepEqual([failed.code, failed.out], [1, "❌ cpu-usage failed: no df (index.ts:3:9)\n"]);
    const json = await nerve(root, "sense", "trigger", "cpu-usage", "--wait", "--json");
    assert.deepEqual(triggerReplySchema.parse(JSON.parse(json.out)).outcome, view.result);
    const unknown = await nerve(root, "sense", "trigger", "cpu");
    assert.deepEqual([unknown.code, unknown.err], [1, `❌ there is no sense "cpu"\n   There are: cpu-usage\n`]);
  });
});

Deno.test("workflow trigger prints the run id, and with --wait has the run's exit code", async () => {
  await withDaemon(async (root, view) => {
    const argv = ["workflow", "trigger", "cleanup", "--payload", `{"a":1}`, "--prompt", "go", "--id", "mine"];
    const started = await nerve(root, ...argv);
    assert.deepEqual([started.code, started.out], [0, "mine\n"]);
    assert.deepEqual(view.runsById.get("mine")?.payload, { a: 1 });
    const json = await nerve(root, ...argv, "--json");
    assert.equal(runSchema.parse(JSON.parse(json.out)).runId, "mine");

    view.start = () => {
      const run = aRun({ runId: "slow", status: "started", endedAt: null, exitCode: null });
      view.runsById.set("slow", run);
      return Promise.resolve(run);
    };
    view.runEnded = () => {
      view.runsById.set("slow", aRun({ runId: "slow", status: "failed", exitCode: 2, reason: "maxRounds reached" }));
      return Promise.resolve();
    };
    const waited = await nerve(root, "workflow", "trigger", "cleanup", "--wait");
    assert.deepEqual([waited.code, waited.out, waited.err], [
      2,
      "slow\n",
      "❌ failed after 2 rounds: maxRounds reached\n",
    ]);

    view.start = () => Promise.reject(new NerveError("RUN_CONFLICT", "run slow has another payload", { hint: "--id" }));
    const conflict = await nerve(root, "workflow", "trigger", "cleanup");
    assert.deepEqual([conflict.code, conflict.err], [1, "❌ run slow has another payload\n   --id\n"]);
  });
});

Deno.test("workflow trigger --wait says what keeps the run waiting", async () => {
  await withDaemon(async (root, view) => {
    const run = aRun({ runId: "held", workflow: "cleanup", status: "started", endedAt: null, exitCode: null });
    view.start = () => Promise.resolve(run);
    view.runsById.set("held", run);
    const problem = "quarantined: cannot be loaded: SyntaxError";
    let asked = 0;
    const often = Promise.withResolvers<void>();
    view.workflows = () => {
      if (++asked === 3) often.resolve();
      return [{ name: "cleanup", concurrency: 1, overflow: "drop", active: 1, queued: 0, problem }];
    };
    const io = new CapturedIo({ cwd: root, clock: fastClock(100) });
    const done = runCli(["workflow", "trigger", "cleanup", "--wait"], io);
    await within(often.promise, "three looks");
    view.runsById.set("held", aRun({ runId: "held", status: "completed", exitCode: 0 }));
    for (const { end } of view.waiting) end();
    assert.equal(await done, 0);
    assert.deepEqual(io.err.match(/.*the run waits.*/g), [
      "🔴 the run waits: cleanup is quarantined: cannot be loaded: SyntaxError",
    ]);
  });
});

Deno.test("init sense and init workflow write templates that validate takes", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const sense = await nerve(root, "init", "sense", "queue-length");
    assert.equal(sense.code, 0);
    assert.match(sense.out, /wrote senses\/queue-length\/index\.ts/);
    assert.equal((await nerve(root, "init", "workflow", "tidy")).code, 0);
    const again = await nerve(root, "init", "sense", "queue-length");
    assert.equal(again.code, 1);
    const bad = await nerve(root, "init", "sense", "Queue_Length");
    assert.deepEqual([bad.code, /queue-length/.test(bad.err)], [2, true]);
    const block = (out: string) => out.split("\n\n")[1] ?? "";
    const yaml = [sense.out, (await nerve(root, "init", "workflow", "tidy-2")).out].map(block).join("\n");
    await Deno.writeTextFile(join(root, "nerve.yaml"), yaml.replaceAll(/^ {3}/gm, ""));
    await Deno.remove(join(root, "workflows", "tidy"), { recursive: true });
    const valid = await nerve(root, "validate");
    assert.deepEqual([valid.code, valid.out], [0, "✅ 1 sense, 1 workflow: all good\n"]);
  });
});
