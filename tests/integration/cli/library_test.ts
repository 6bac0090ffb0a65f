/**
 * `nerve sense add` and `nerve workflow add`: every part of the library fits into a workspace, and the user's own text
 * stays.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { NerveError } from "../../../src/base/errors.ts";
import { libraryOutput } from "../../../src/cli/render/json_schemas.ts";
import { replaceConfigText } from "../../../src/cli/scaffold/config_file.ts";
import { listLibrary } from "../../../src/cli/scaffold/library.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const yaml = (root: string) => Deno.readTextFile(join(root, "nerve.yaml"));

/** Everything in the workspace, by its path. */
async function contents(root: string, below = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(join(root, below))) {
    const path = join(below, name);
    if (isDirectory) Object.assign(found, await contents(root, path));
    else found[path] = await Deno.readTextFile(join(root, path));
  }
  return found;
}

/** The command must fail and leave every byte of the workspace as it was. */
async function refuses(root: string, argv: string[], code: number, why: RegExp) {
  const before = await contents(root);
  const done = await nerve(root, ...argv);
  assert.equal(done.code, code, done.err);
  assert.match(done.err, why);
  assert.deepEqual(await contents(root), before);
  return done;
}

long.test("after init the rest of the library can be added, and the workspace is valid", async () => {
  await inTempDir(async (root) => {
    assert.equal((await nerve(root, "init")).code, 0);
    const old = await yaml(root);
    for (const [part, kind] of [["sense", "senses"], ["workflow", "workflows"]] as const) {
      for (const name of listLibrary(kind)) {
        if (new RegExp(`^  ${name}:`, "m").test(old)) continue;
        const { code, out, err } = await nerve(root, part, "add", name);
        assert.deepEqual([code, err], [0, ""]);
        assert.match(
          out,
          new RegExp(`^✅ added ${kind}/${name}/.*\n✅ added the lines of "${name}" at nerve\\.yaml:\\d+\n`),
        );
        assert.match(out, /👉 .*nerve validate\n$/);
      }
    }
    const text = await yaml(root);
    for (const line of old.split("\n")) assert.ok(text.includes(line), line);
    const { code, out } = await nerve(root, "validate", "--format", "json");
    const { errors, problems } = JSON.parse(out);
    assert.deepEqual([code, errors], [0, 0], JSON.stringify(problems));
    const { total } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    assert.equal(total, listLibrary("senses").length);
  });
});

Deno.test("a sense under another name has its own lines and reflex, and the same code", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "# mine\n" });
    for (const as of ["123", "mail-ports"]) {
      assert.equal((await nerve(root, "sense", "add", "port-check", "--as", as)).code, 0);
    }
    assert.match(await yaml(root), /^# mine\n\nsenses:\n {2}"123":\n[^]*\n {2}mail-ports:\n/);
    assert.deepEqual([...Deno.readDirSync(join(root, "senses"))].map(({ name }) => name), ["port-check"]);
    assert.match(await yaml(root), /^ {2}mail-ports:\n {4}use: port-check\n {4}permissions:\n/m);
    await Deno.stat(join(root, "lib", "address.ts"));
    assert.equal((await nerve(root, "validate")).code, 0);
    const { items } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    assert.deepEqual(items.map(({ name, reflexes }: { name: string; reflexes: string[] }) => [name, reflexes.length]), [
      ["123", 1],
      ["mail-ports", 1],
    ]);
    await refuses(root, ["sense", "add", "port-check", "--as", "Mail"], 2, /cannot be the name of a sense/);
  });
});

Deno.test("entries and folders that exist are never changed", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    assert.equal((await nerve(root, "sense", "add", "cpu-usage")).code, 0);
    await refuses(root, ["sense", "add", "cpu-usage"], 1, /already has a sense "cpu-usage"\n.*--as NEW/);

    await writeWorkspace(root, { "senses/disk-usage/index.ts": "mine", "workflows/notify/notes.txt": "mine" });
    await refuses(root, ["sense", "add", "disk-usage"], 1, /files of your own: senses\/disk-usage\/index\.ts\n/);
    await refuses(root, ["workflow", "add", "notify"], 1, /files of your own: workflows\/notify\/notes\.txt\n/);
    await writeWorkspace(root, { "senses/git-status": "a file" });
    await refuses(root, ["sense", "add", "git-status"], 1, /files of your own: senses\/git-status\n/);
  });
});

Deno.test("an unchanged library folder is configured again, and the user's code in lib/ stays", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "# mine\n" });
    assert.equal((await nerve(root, "sense", "add", "port-check")).code, 0);
    await writeWorkspace(root, { "nerve.yaml": "# mine\n", "lib/address.ts": "// mine\n" });
    const { code, out } = await nerve(root, "sense", "add", "port-check");
    assert.equal(code, 0);
    assert.match(out, /not touched, since they are yours: lib\/address\.ts\n/);
    assert.equal(await Deno.readTextFile(join(root, "lib", "address.ts")), "// mine\n");
    assert.match(await yaml(root), /port-check:/);
  });
});

Deno.test("code that an entry uses is not touched by a further entry, changed or not", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "# mine\n" });
    assert.equal((await nerve(root, "sense", "add", "port-check")).code, 0);
    await writeWorkspace(root, { "senses/port-check/index.ts": "export const compute = () => null; // mine\n" });
    const { code, out } = await nerve(root, "sense", "add", "port-check", "--as", "mail-ports");
    assert.equal(code, 0);
    assert.match(out, /^✅ senses\/port-check\/ is there, and stays as it is\n✅ added the lines of "mail-ports" at /);
    assert.match(await Deno.readTextFile(join(root, "senses/port-check/index.ts")), /mine/);
    assert.match((await nerve(root, "sense", "list")).out, /SENSE +CODE +GROUP[^]*mail-ports +port-check +mail-ports/);
  });
});

Deno.test("entries that lack only their code get it, and no further entry", async () => {
  // The bug was: the command said that the folder is there, and wrote nothing but an entry that nobody wanted.
  await inTempDir(async (root) => {
    const text =
      "senses:\n  web: { use: port-check }\n  mail: { use: port-check }\n  ping: {}\nworkflows:\n  run-command: {}\n";
    await writeWorkspace(root, { "nerve.yaml": text });
    const added = await nerve(root, "sense", "add", "port-check");
    assert.match(
      added.out,
      /^✅ added senses\/port-check\/, lib\/.*\n✅ web, mail in nerve\.yaml use it: nothing was added there\n/,
    );
    assert.match((await nerve(root, "sense", "add", "ping")).out, /✅ ping in nerve\.yaml uses it/);
    assert.equal((await nerve(root, "workflow", "add", "run-command")).code, 0);
    assert.equal(await yaml(root), text);
    for (const folder of ["senses/port-check", "senses/ping", "workflows/run-command"]) {
      assert.ok((await Deno.stat(join(root, folder, "index.ts"))).isFile);
    }
    // From now on it is a further entry.
    assert.equal((await nerve(root, "sense", "add", "port-check")).code, 0);
    assert.match(await yaml(root), /\n {2}port-check:\n/);
  });
});

Deno.test("a nerve.yaml with errors is refused with all of them", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses:\n  a: { throttel: 1s }\n  b: { timeout: soon }\n" });
    const { err } = await refuses(
      root,
      ["sense", "add", "cpu-usage"],
      1,
      /nerve\.yaml has 2 errors: nothing was added/,
    );
    assert.match(err, /nerve\.yaml:2:8 error senses\.a\.throttel/);
    assert.match(err, /nerve\.yaml:3:8 error senses\.b\.timeout/);
    await writeWorkspace(root, { "nerve.yaml": "senses: [\n" });
    await refuses(root, ["workflow", "add", "notify"], 1, /nerve\.yaml:\d+:\d+ error/);
    await Deno.writeFile(join(root, "nerve.yaml"), new Uint8Array([0x23, 0xff, 0x0a]));
    assert.match((await nerve(root, "sense", "add", "cpu-usage")).err, /is not UTF-8/);
  });
});

Deno.test("lines that cannot be added to nerve.yaml are printed", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { a: { config: { list: &x [] } } }\nreflexes: *x\n" });
    const { out } = await refuses(root, ["sense", "add", "cpu-usage"], 1, /nothing was added/);
    assert.match(
      out,
      /add to nerve\.yaml, .*:\n\n {3}senses:\n {5}cpu-usage:\n[^]* {3}reflexes:\n {5}- \{ sense: cpu-usage/,
    );
  });
});

Deno.test("nerve.yaml keeps its mode, and a link to it stays a link", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "dotfiles/nerve.yaml": "# mine\n" });
    await Deno.chmod(join(root, "dotfiles", "nerve.yaml"), 0o640);
    await Deno.symlink("dotfiles/nerve.yaml", join(root, "nerve.yaml"));
    assert.equal((await nerve(root, "workflow", "add", "notify")).code, 0);
    assert.ok((await Deno.lstat(join(root, "nerve.yaml"))).isSymlink);
    const { mode } = await Deno.stat(join(root, "dotfiles", "nerve.yaml"));
    assert.equal((mode ?? 0) & 0o7777, 0o640);
    assert.match(await yaml(root), /^# mine\n\nworkflows:\n {2}notify:\n/);
    const entries = [...Deno.readDirSync(join(root, "dotfiles"))].map(({ name }) => name);
    assert.deepEqual(entries, ["nerve.yaml"], "no temporary file remains");
  });
});

Deno.test("a change of nerve.yaml in the meantime is not overwritten", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "# newer\n" });
    await assert.rejects(replaceConfigText(join(root, "nerve.yaml"), "# read\n", "# mine\n"), (thrown) => {
      return thrown instanceof NerveError && thrown.code === "CONFIG_INVALID";
    });
    assert.deepEqual(await contents(root), { "nerve.yaml": "# newer\n" });
  });
});

Deno.test("the library can be listed and completed without a workspace", async () => {
  for (const [part, kind] of [["sense", "senses"], ["workflow", "workflows"]] as const) {
    const names = listLibrary(kind);
    const { code, out } = await nerve("/", part, "library", "--json");
    assert.equal(code, 0);
    const { items } = libraryOutput.parse(JSON.parse(out));
    assert.deepEqual(items.map(({ name }) => name), names);
    for (const { brief } of items) assert.match(brief, /^[A-Z].*[^.]\.$/);
    const text = await nerve("/", part, "library");
    for (const name of names) assert.match(text.out, new RegExp(`^${name} +\\S`, "m"));
    const proposed = (await nerve("/", "__complete", part, "add", "")).out.split("\n").map((line) =>
      line.split("\t")[0]
    );
    assert.deepEqual(proposed.filter((word) => word !== ""), names);
    const unknown = await nerve("/", part, "add", "nothing-like-it");
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.err,
      new RegExp(`the library has no ${part} "nothing-like-it"\n +(known: |nerve ${part} library)`),
    );
  }
  const disk = libraryOutput.parse(JSON.parse((await nerve("/", "sense", "library", "--json")).out)).items
    .find(({ name }) => name === "disk-usage");
  assert.deepEqual(disk?.permissions, { run: ["df"] });
  assert.match((await nerve("/", "sense", "add", "cpu-usgae")).err, /did you mean "cpu-usage"\?/);
});
