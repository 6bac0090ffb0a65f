/** A workspace's configuration from a real folder: its files, its folders, its grants on real paths. */
import assert from "node:assert/strict";
import { inspectNerveConfig, loadNerveConfig } from "../../../src/config/load.ts";
import { findWorkspace, workspacePaths } from "../../../src/config/workspace.ts";
import { inWorkspace, restOfYaml } from "../../support/loaded_workspace.ts";

const nowhere = { home: null, nerveModules: [] };

Deno.test("a workspace whose folders and configuration agree has no problem", () =>
  inWorkspace(async (_, load) => {
    assert.deepEqual(await load(`senses: { a: {}, b: {} }\n${restOfYaml}`), []);
  }));

Deno.test("an empty nerve.yaml is rejected; an explicit {} is not", () =>
  inWorkspace(async (paths, load) => {
    for (const text of ["", "# senses: { a: {} }\n", "~\n"]) {
      assert.deepEqual(await load(text), ["error : is empty; perhaps an editor is saving it"]);
    }
    assert.deepEqual((await inspectNerveConfig(paths, nowhere)).valid, null);
    assert.match((await load("{}\n")).join(), /^warning/);
  }));

// The bug was: a wrong key in nerve.yaml hid missing folders and rejected grants until it was fixed.
Deno.test("problems of the file, the folders and the grants are reported together", () =>
  inWorkspace(async (paths, load) => {
    const senses = "senses: { a: { throtle: 1s }, b: { permissions: { write: [data] } }, c: {} }\n";
    assert.deepEqual(
      await load(`version: 1\n${senses}workflows: { w: {} }\nreflexes: [{ sense: d, interval: 1s }]\n`),
      [
        'error version: unknown key "version"',
        'error senses.a.throtle: unknown key "throtle"',
        `error senses.b.permissions.write[0]: write of "${paths.data}" covers the log and the databases of other senses`,
        "error senses.c: there is no senses/c/index.ts",
        'error reflexes[0].sense: there is no sense "d"',
      ],
    );
  }));

Deno.test("of the data, the worktrees alone can be granted", () =>
  inWorkspace(async (paths, load) => {
    await Deno.mkdir(`${paths.workflows}/w`, { recursive: true });
    await Deno.writeTextFile(paths.workflowEntry("w"), "");
    const write = async (path: string) =>
      (await load(`workflows: { w: { permissions: { write: ["${path}"] } } }\n`)).filter((line) =>
        line.startsWith("error")
      );
    for (const path of ["data/worktrees", "data/worktrees/a/main", "data/blobs/../worktrees/"]) {
      assert.deepEqual(await write(path), []);
    }
    for (const path of ["data", "data/reports", "data/worktrees/..", "data/worktrees-2", "data/senses/a.db"]) {
      assert.match((await write(path)).join(), /covers the log and the databases of other senses/, path);
    }
    await Deno.mkdir(`${paths.data}/worktrees/a/main`, { recursive: true });
    // What is checked out there is no workspace of anybody.
    await Deno.writeTextFile(`${paths.data}/worktrees/a/main/nerve.yaml`, "{}");
    assert.deepEqual(await write("data/worktrees"), []);
  }));

Deno.test("in an invalid configuration, entries without errors may be loaded, but no siblings of wrong ones", () =>
  inWorkspace(async (paths) => {
    const sound = async (yaml: string) => {
      await Deno.writeTextFile(paths.configFile, yaml);
      const { valid } = await inspectNerveConfig(paths, nowhere);
      return valid === null ? null : [...valid.senses.keys(), ...valid.groups.keys(), ...valid.workflows.keys()];
    };
    assert.deepEqual(await sound("version: 1\nsenses: { a: {}, b: { x: 1 } }\nworkflows: { w: {} }\n"), [
      "a",
      "a",
      "w",
    ]);
    assert.deepEqual(await sound("senses: { a: { group: g }, b: { group: g, x: 1 } }\nworkflows: { w: {} }\n"), ["w"]);
    assert.deepEqual(await sound("senses: { a: { group: g } }\ngroups: { g: 1 }\nworkflows: { w: {} }\n"), ["w"]);
    assert.deepEqual(await sound("senses: { a: { permissions: { write: [data] } } }\nworkflows: { w: 1 }\n"), null);
    assert.deepEqual(await sound("senses: { ../b: {} }\n"), null);
    assert.deepEqual(await sound("senses: 1\nworkflows: { w: {} }\n"), null);
  }));

Deno.test("a file that is missing, a folder, too large or not text is a problem, not an exception", () =>
  inWorkspace(async (paths) => {
    const message = async () => {
      const loaded = await loadNerveConfig(paths, nowhere);
      return loaded.ok ? "" : loaded.error[0]?.message;
    };
    assert.equal(await message(), "does not exist");
    await Deno.writeFile(paths.configFile, new Uint8Array([0x61, 0xff, 0xfe]));
    assert.equal(await message(), "is not UTF-8 text");
    await Deno.writeTextFile(paths.configFile, "#".repeat(2 * 1024 ** 2));
    assert.equal(await message(), "is larger than 1048576 bytes");
    await Deno.remove(paths.configFile);
    await Deno.mkdir(paths.configFile);
    assert.equal(await message(), "is not a file");
  }));

Deno.test("the workspace that was found is the one that is loaded", () =>
  inWorkspace(async (paths, load) => {
    await load(`senses: { a: {}, b: {} }\n${restOfYaml}`);
    const found = await findWorkspace({ flag: null, env: null, cwd: paths.senseFolder("a"), home: null });
    const loaded = await loadNerveConfig(workspacePaths(found.root), nowhere);
    assert.ok(loaded.ok);
    assert.deepEqual([...loaded.value.config.senses.keys()], ["a", "b"]);
  }));

// The bug was: a program that made a link to .env in its own folder kept the whole daemon from its next start.
Deno.test("what a program leaves in a folder of its unit holds that unit at the most, and refuses no nerve.yaml", () =>
  inWorkspace(async (paths, load) => {
    const yaml = `env_file: .env\nsenses: { a: { permissions: { write: [out], run: [sh] } }, b: {} }\n${restOfYaml}`;
    const out = `${paths.root}/out`, name = `${out}/.env`, pipe = (path: string) => run("mkfifo", path);
    for (const folder of [paths.blobs, paths.lib]) await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${paths.root}/.env`, "A=1\n", { mode: 0o600 });
    const cases: Record<string, [make: () => unknown, held: boolean]> = {
      "a link": [() => Deno.symlinkSync("../.env", name), true],
      "a hard link": [() => Deno.linkSync(`${paths.root}/nerve.yaml`, name), true],
      "a link to a folder of code": [() => Deno.symlinkSync(paths.lib, name), true],
      "a workspace": [() => Deno.writeTextFileSync(`${out}/nerve.yaml`, "{}"), true],
      "a folder in its place, with a link": [() => {
        Deno.mkdirSync(name);
        Deno.symlinkSync("../../nerve.yaml", `${name}/x`);
      }, true],
      "a broken link": [() => Deno.symlinkSync("nowhere", name), false],
      "a circle": [() => Deno.symlinkSync(".env", name), false],
      "a pipe": [() => pipe(name), false],
      "pipes with other names that nerve knows": [
        () => ["nerve.lock", "deno.json", ".git", "package.json", "x.db"].forEach((each) => pipe(`${out}/${each}`)),
        false,
      ],
      "a pipe as the configuration of a workspace": [() => pipe(`${out}/nerve.yaml`), true],
      "a folder that nobody may enter": [() => Deno.mkdirSync(name, { mode: 0 }), false],
      "odd blobs": [() => {
        pipe(`${paths.blobs}/ab`);
        Deno.symlinkSync("/", `${paths.blobs}/cd`);
      }, false],
    };
    for (const [what, [make, held]] of Object.entries(cases)) {
      await Deno.writeTextFile(paths.configFile, yaml);
      Deno.mkdirSync(out);
      make();
      const problems = await load(yaml), loaded = await loadNerveConfig(paths, nowhere);
      assert.ok(loaded.ok, `${what}: ${problems}`);
      assert.deepEqual([...loaded.value.config.faults.keys()], held ? ["sense:a"] : [], `${what}: ${problems}`);
      if (held) assert.match(problems.join(), /error senses\.a\.permissions\.write\[0\]: write of .* covers /, what);
      const inspected = await inspectNerveConfig(paths, nowhere);
      assert.deepEqual([...inspected.valid?.senses.keys() ?? []], held ? ["b"] : ["a", "b"], "what validate loads");
      Deno.removeSync(out, { recursive: true });
    }
  }));

Deno.test("what nerve.yaml itself says wrongly is refused as before, beside what lies on the disk", () =>
  inWorkspace(async (paths, load) => {
    Deno.mkdirSync(`${paths.root}/out`);
    Deno.symlinkSync("../nerve.yaml", `${paths.root}/out/x`);
    const grants = "senses: { a: { permissions: { write: [out] } }, b: { permissions: { write: [lib] } } }\n";
    const problems = await load(grants + restOfYaml);
    assert.deepEqual(problems.map((line) => line.slice(0, 14)), ["error senses.a", "error senses.b"]);
    assert.equal((await loadNerveConfig(paths, nowhere)).ok, false);
  }));

function run(program: string, ...args: string[]): void {
  assert.ok(new Deno.Command(program, { args }).outputSync().success, `${program} ${args}`);
}
