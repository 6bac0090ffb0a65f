/** The three ways to ask for a reload: the API, `nerve reload`, and SIGHUP to the kernel's process. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { runCli } from "../../../src/cli/app.ts";
import { createApp } from "../../../src/control/app.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { reloadReplySchema } from "../../../src/protocol/api.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeView } from "../../support/fake_view.ts";
import { long } from "../../support/long_form.ts";
import { nerveArguments } from "../../support/nerve_program.ts";
import { makeWorkspace, startWorkspace, within } from "../../support/workspace_fixture.ts";

const senseThatSays = (text: string) => `export const compute = () => ({ says: ${JSON.stringify(text)} });\n`;

Deno.test("POST /v1/reload answers with the changes once they are in force", async () => {
  const view = new FakeView();
  view.reloadReply = {
    configError: null,
    changes: [{ of: "sense:a", change: "added" }],
    replaced: ["group:b"],
    problems: [{ about: "sense:c", message: "cannot", place: { file: "x", line: 1, column: 2 } }],
  };
  const app = createApp(view, { version: "0", stop: () => {}, report: () => {} });
  const answer = await app.request("/v1/reload", { method: "POST" });
  assert.deepEqual(reloadReplySchema.parse(await answer.json()), view.reloadReply);
  assert.deepEqual(view.requests, ["reload"]);
});

Deno.test("nerve reload applies what is on disk, prints the changes, and fails when something is wrong", async () => {
  await using workspace = await startWorkspace({
    senses: { a: senseThatSays("one"), b: senseThatSays("b") },
    yaml: "senses: { a: {} }\nreflexes: [{ sense: a, interval: 1h }]\n",
  });
  const app = createApp(workspace.kernel.api, { version: "0", stop: () => {}, report: () => {} });
  const { socket: path } = workspace.paths;
  const server = await serveControl(app, { path, clock: systemClock, report: () => {} });
  const nerve = async (...argv: string[]) => {
    const io = new CapturedIo({ cwd: workspace.root });
    return { code: await runCli(argv, io), out: io.out };
  };
  try {
    await workspace.signal("a");
    const unused = await nerve("reload");
    assert.equal(unused.code, 0);
    assert.match(unused.out, /nothing has changed/);

    workspace.write("senses/a/index.ts", senseThatSays("two"));
    workspace.write(
      "nerve.yaml",
      "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1h }, { sense: b, on: [a] }]\n",
    );
    assert.deepEqual(await nerve("reload"), {
      code: 0,
      out: "🟢 sense:b added\n✅ group:a: new work gets a new process\n",
    });
    assert.deepEqual(await workspace.payload("a"), { says: "two" });

    workspace.write("senses/a/index.ts", "export const compute = 7;\n");
    workspace.write("senses/d/index.ts", senseThatSays("d"));
    const broken = await nerve("reload");
    assert.equal(broken.code, 1);
    assert.match(broken.out, /^❌ sense:a: still on the previous version: .*\/senses\/a\/index\.ts:1:1\)$/m);
    assert.match(broken.out, /^🔶 senses: senses\/d\/ is not configured/m);
    assert.match((await nerve("sense", "list")).out, /🔴 a: still on the previous version: /);
    const old = new CapturedIo({ cwd: workspace.root });
    assert.equal(await runCli(["sense", "trigger", "a", "--wait"], old), 0);
    assert.match(old.out, /^📡 a signal \d+ \{"says":"two"\}$/m);
    assert.match(old.err, /^🔶 a: still on the previous version: /m);

    workspace.write("nerve.yaml", "senses: { a: {}, b: {}, c: {} }\n");
    const refused = await nerve("reload", "--json");
    assert.equal(refused.code, 1);
    assert.match(reloadReplySchema.parse(JSON.parse(refused.out)).configError ?? "", /no senses\/c\/index\.ts/);
    assert.match((await nerve("sense", "list")).out, /nerve\.yaml was refused.*senses\.c/);
  } finally {
    await server.stop();
  }
});

long.test("SIGHUP makes nerve run --no-watch apply what is on disk", async () => {
  await using workspace = await makeWorkspace({
    senses: { a: senseThatSays("one"), b: senseThatSays("b") },
    yaml: "senses: { a: {} }\nreflexes: [{ sense: a, interval: 1h }]\n",
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: [...nerveArguments, "run", "--no-watch"],
    cwd: workspace.root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let shown = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const seen = async (pattern: RegExp) => {
    const read = async () => {
      while (!pattern.test(shown)) {
        const { done, value } = await reader.read();
        assert.ok(!done, shown);
        shown += value;
      }
    };
    await within(read(), `${pattern} from nerve run`, () => shown);
  };
  try {
    await seen(/says":"one"/);
    const yaml = "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1h }, { sense: b, interval: 1h }]\n";
    workspace.write("nerve.yaml", yaml);
    child.kill("SIGHUP");
    await seen(/nerve\.yaml was loaded: sense:b added/);
    await seen(/b \{"says":"b"\}/);
    child.kill("SIGTERM");
    await seen(/stopped after/);
  } finally {
    await reader.cancel();
    assert.equal((await child.status).code, 0);
  }
});
