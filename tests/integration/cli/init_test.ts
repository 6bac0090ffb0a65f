/** `nerve init`: the files that it writes work, and the user's own files stay. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { configOf } from "../../support/parsed_config.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { startWorkspace, within } from "../../support/workspace_fixture.ts";

const init = (cwd: string, ...argv: string[]) => nerve(cwd, "init", ...argv);
const read = (...path: string[]) => Deno.readTextFile(join(...path));

long.test("the alerts of a new workspace are turned on by removing a #", async () => {
  await inTempDir(async (folder) => {
    await init(folder, "watch");
    const root = join(folder, "watch"), path = join(root, "nerve.yaml"), text = await Deno.readTextFile(path);
    const on = text.replaceAll(/^ {2}# (\w+-full: \{)/gm, "  $1");
    assert.notEqual(on, text);
    await Deno.writeTextFile(path, on);
    const { alerts } = configOf(on);
    const told = [...alerts.values()].map(({ name, workflow, forMs }) => [name, workflow, forMs]);
    assert.deepEqual(told, [["disk-full", "notify", 120_000], ["memory-full", "notify", 300_000]]);
    await Deno.writeTextFile(
      join(root, "alerts_test.yaml"),
      `- alert: disk-full
  signals: [{ at: 0s, payload: { mount: /, used: 0.934 } }]
  expect: [{ at: 2m, state: firing, summary: / is 93% full }]
- alert: memory-full
  signals: [{ at: 0s, payload: { used: 0.95 } }]
  expect: [{ at: 5m, state: firing, summary: 95% of the memory is in use }]
`,
    );
    assert.match((await nerve(root, "alert", "test")).out, /2 tests passed/);
  });
});

Deno.test("init creates a workspace with three senses and a workflow, and says what to do next", async () => {
  await inTempDir(async (folder) => {
    const { code, out } = await init(folder, "my watch");
    assert.equal(code, 0);
    assert.match(out, /cpu-usage, disk-usage, memory-usage/);
    assert.match(out, /👉 cd 'my watch' && nerve validate\n👉 nerve run\n$/);
    const root = join(folder, "my watch");
    assert.ok((await Deno.stat(join(root, ".git"))).isDirectory);
    assert.match(await read(root, ".gitignore"), /^data\/$/m);
    for (const path of ["senses/cpu-usage/index.ts", "senses/disk-usage/migrations", "workflows/cleanup/index.ts"]) {
      await Deno.stat(join(root, path));
    }
    const io = new CapturedIo({ cwd: root });
    assert.equal(await runCli(["validate", "--no-types", "--format", "json"], io), 0);
    assert.equal(JSON.parse(io.out).errors, 0);
  });
});

long.test("the workflow that init ships completes when it is triggered as it stands, before its folder is there", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const files: Record<string, string> = {};
    for (const folder of ["lib", "workflows/cleanup", "workflows/notify"]) {
      for (const { name, isFile } of Deno.readDirSync(join(root, folder))) {
        if (isFile) files[`${folder}/${name}`] = await read(root, folder, name);
      }
    }
    const text = (await read(root, "nerve.yaml")).replace(/^senses:$[^]*?(?=^workflows:$)/m, "");
    const { workflows } = configOf(text), folder = String(workflows.get("cleanup")?.config.folder);
    // On this machine the folder of nerve.yaml may be there.
    const yaml = text.replaceAll(folder, join(root, "gone"));
    await using workspace = await startWorkspace({ yaml, files });
    const { api } = workspace.kernel, { runId } = await api.startRun("cleanup", {});
    const run = await within(api.runEnded(runId, new AbortController().signal), "the end of the run");
    assert.deepEqual([run?.status, run?.reason], ["completed", null]);
    assert.match(
      api.records.messages(runId, { limit: 10 }).at(-1)?.content ?? "",
      /gone: dry run: would remove 0 files/,
    );
  });
});

long.test("init inside a repository creates no second one", async () => {
  await inTempDir(async (root) => {
    assert.equal((await init(root, ".")).code, 0);
    assert.equal((await init(root, "inner")).code, 0);
    await assert.rejects(Deno.stat(join(root, "inner", ".git")), Deno.errors.NotFound);
  });
});

long.test("an existing workspace is refused; --force completes it without touching the user's files", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const refused = await init(root, ".");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /is already a workspace\n.*--force/);

    await Deno.mkdir(join(root, "data", "senses"), { recursive: true });
    await Deno.writeTextFile(join(root, "data", "logs.db"), "rows");
    await Deno.writeTextFile(join(root, "nerve.yaml"), "senses: {}\n");
    await Deno.remove(join(root, "senses", "cpu-usage"), { recursive: true });
    // As if an older nerve had written another README: it is unchanged since, so it is updated.
    const manifest = JSON.parse(await read(root, ".nerve-init.json")), old = "senses/disk-usage/README.md";
    await Deno.writeTextFile(join(root, old), "abc");
    manifest[old] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    await Deno.writeTextFile(join(root, ".nerve-init.json"), JSON.stringify(manifest));

    const { code, out } = await init(root, ".", "--force");
    assert.equal(code, 0);
    assert.match(out, /not touched, since they are yours: nerve\.yaml$/m);
    assert.match(out, /updated: senses\/disk-usage\/README\.md$/m);
    assert.equal(await read(root, "nerve.yaml"), "senses: {}\n");
    assert.equal(await read(root, "data", "logs.db"), "rows");
    assert.notEqual(await read(root, old), "abc");
    await Deno.stat(join(root, "senses", "cpu-usage", "index.ts"));
  });
});

Deno.test(
  "an init that a full disk ended leaves no partial file, and the next one completes it",
  { ignore: !canMount },
  async () => {
    // The bug was: an empty nerve.yaml stayed, because even --force treated it as the user's own.
    await inTempDir(async (folder) => {
      const root = join(folder, "disk");
      using disk = smallDisk(root, 256 * 1024);
      disk.fill();
      const { code, err } = await init(root, "ws");
      assert.equal(code, 1);
      assert.match(err, /^❌ no space is left/);
      const entries = [...Deno.readDirSync(join(root, "ws"))];
      assert.deepEqual(entries, []);
      disk.free();
      assert.equal((await init(root, "ws")).code, 0);
      assert.match(await read(root, "ws", "nerve.yaml"), /^senses:$/m);
    });
  },
);

Deno.test("files that were there before init are the user's", async () => {
  await inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, ".gitignore"), "mine\n/data\n");
    const { code, out } = await init(root, ".");
    assert.equal(code, 0);
    assert.match(
      out,
      /your \.gitignore does not cover files that do not belong into git; add: logs\/ \.env \.nerve\/ nerve\.lock/,
    );
    assert.equal(await read(root, ".gitignore"), "mine\n/data\n");
    await Deno.remove(join(root, ".nerve-init.json"));
    await Deno.writeTextFile(join(root, "deno.json"), "{}");
    assert.equal((await init(root, ".", "--force")).code, 0);
    assert.equal(await read(root, "deno.json"), "{}");
  });
});
