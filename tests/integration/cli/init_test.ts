/** `nerve init`: what it makes works, and what is the user's stays. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

async function init(cwd: string, ...argv: string[]) {
  const io = new CapturedIo({ cwd });
  const code = await runCli(["init", ...argv], io);
  return { code, out: io.out, err: io.err };
}

const read = (...path: string[]) => Deno.readTextFile(join(...path));

Deno.test("init makes a workspace with three senses and a workflow, and says what to do next", async () => {
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
    assert.equal(await runCli(["validate", "--format", "json"], io), 0);
    assert.equal(JSON.parse(io.out).errors, 0);
  });
});

Deno.test("the workspace's deno.json gives an editor the types of nerve and drizzle-orm", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const entries = ["senses/cpu-usage/index.ts", "senses/disk-usage/index.ts", "workflows/cleanup/index.ts"];
    const check = new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", ...entries],
      cwd: root,
      stdout: "piped",
      stderr: "piped",
    });
    const { success, stderr } = await check.output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
});

Deno.test("init inside a repository makes no second one", async () => {
  await inTempDir(async (root) => {
    assert.equal((await init(root, ".")).code, 0);
    assert.equal((await init(root, "inner")).code, 0);
    await assert.rejects(Deno.stat(join(root, "inner", ".git")), Deno.errors.NotFound);
  });
});

Deno.test("an existing workspace is refused, and completed with --force without touching what is the user's", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const refused = await init(root, ".");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /is a workspace already\n.*--force/);

    await Deno.mkdir(join(root, "data", "senses"), { recursive: true });
    await Deno.writeTextFile(join(root, "data", "logs.db"), "rows");
    await Deno.writeTextFile(join(root, "nerve.yaml"), "senses: {}\n");
    await Deno.remove(join(root, "senses", "cpu-usage"), { recursive: true });
    // As if an older nerve had written another README: unchanged since, so it is brought up to date.
    const manifest = JSON.parse(await read(root, ".nerve-init.json")), old = "senses/disk-usage/README.md";
    await Deno.writeTextFile(join(root, old), "abc");
    manifest[old] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    await Deno.writeTextFile(join(root, ".nerve-init.json"), JSON.stringify(manifest));

    const { code, out } = await init(root, ".", "--force");
    assert.equal(code, 0);
    assert.match(out, /left as they are, being yours: nerve\.yaml$/m);
    assert.match(out, /brought up to date: senses\/disk-usage\/README\.md$/m);
    assert.equal(await read(root, "nerve.yaml"), "senses: {}\n");
    assert.equal(await read(root, "data", "logs.db"), "rows");
    assert.notEqual(await read(root, old), "abc");
    await Deno.stat(join(root, "senses", "cpu-usage", "index.ts"));
  });
});

Deno.test("files that were there before init are the user's", async () => {
  await inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, ".gitignore"), "mine\n/data\n");
    const { code, out } = await init(root, ".");
    assert.equal(code, 0);
    assert.match(out, /your \.gitignore does not name what nerve writes; add: logs\/ nerve\.lock/);
    assert.equal(await read(root, ".gitignore"), "mine\n/data\n");
    await Deno.remove(join(root, ".nerve-init.json"));
    await Deno.writeTextFile(join(root, "deno.json"), "{}");
    assert.equal((await init(root, ".", "--force")).code, 0);
    assert.equal(await read(root, "deno.json"), "{}");
  });
});
