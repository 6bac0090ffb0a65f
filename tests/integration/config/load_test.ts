/** A workspace's configuration from a real folder: its files, its folders, its grants on real paths. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inspectNerveConfig, loadNerveConfig } from "../../../src/config/load.ts";
import { findWorkspace, type WorkspacePaths, workspacePaths } from "../../../src/config/workspace.ts";

/** A workspace with `a` and `b` as senses and `w` as workflow, and what `load` says about it: severity, path, message. */
async function inWorkspace(
  test: (paths: WorkspacePaths, load: (yaml: string) => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-" }));
  try {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: join(folder, "tmp") };
    await Deno.mkdir(join(folder, "w", "data", "senses"), { recursive: true });
    const paths = workspacePaths(join(folder, "w"), host);
    for (const entry of [paths.senseEntry("a"), paths.senseEntry("b"), paths.workflowEntry("w")]) {
      await Deno.mkdir(join(entry, ".."), { recursive: true });
      await Deno.writeTextFile(entry, "export {};\n");
    }
    await test(paths, async (yaml) => {
      await Deno.writeTextFile(paths.configFile, yaml);
      const loaded = await loadNerveConfig(paths, { home: folder, nerveModules: [join(folder, "nerve")] });
      const problems = loaded.ok ? loaded.value.warnings : loaded.error;
      return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const nowhere = { home: null, nerveModules: [] };
const rest = "workflows: { w: {} }\nreflexes: [{ sense: a, interval: 1s }, { sense: b, interval: 1s }]\n";
const withGrants = (permissions: string) => `senses:\n  a: { permissions: ${permissions} }\n  b: {}\n${rest}`;

Deno.test("a workspace whose folders and configuration agree has no problem", () =>
  inWorkspace(async (_, load) => {
    assert.deepEqual(await load(`senses: { a: {}, b: {} }\n${rest}`), []);
  }));

Deno.test("a file that holds nothing is refused, whoever reads it; one that says so is not", () =>
  inWorkspace(async (paths, load) => {
    for (const text of ["", "# senses: { a: {} }\n", "~\n"]) {
      assert.deepEqual(await load(text), ["error : holds nothing, as a file does that is about to be written"]);
    }
    assert.deepEqual((await inspectNerveConfig(paths, nowhere)).sound, null);
    assert.match((await load("{}\n")).join(), /^warning/);
  }));

Deno.test("a configured name without its folder is an error, a folder without its name a warning", () =>
  inWorkspace(async (paths, load) => {
    await Deno.mkdir(paths.senseFolder("empty"));
    await Deno.mkdir(paths.senseFolder("disk-usage"));
    await Deno.writeTextFile(paths.senseEntry("disk-usage"), "");
    const yaml = `senses: { a: {}, b: {}, empty: {}, disk-usge: {} }\n${rest}`;
    const said = await load(yaml);
    assert.deepEqual(said.filter((line) => !line.includes("no reflex")), [
      "warning senses: senses/disk-usage/ is not configured",
      "error senses.empty: there is no senses/empty/index.ts",
      "error senses.disk-usge: there is no senses/disk-usge/index.ts",
    ]);
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.ok(!loaded.ok);
    const hints = loaded.error.filter(({ severity }) => severity === "error").map(({ hint }) => hint);
    assert.deepEqual(hints, ["nerve init sense empty", 'did you mean "disk-usage"?']);
  }));

// A wrong key in nerve.yaml hid missing folders and refused grants until it was mended.
Deno.test("what is wrong in the file, in the folders and in the grants is said at once", () =>
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

Deno.test("of a wrong configuration, what no error is about may be loaded, and no sibling of what is wrong", () =>
  inWorkspace(async (paths) => {
    const sound = async (yaml: string) => {
      await Deno.writeTextFile(paths.configFile, yaml);
      const { sound } = await inspectNerveConfig(paths, nowhere);
      return sound === null ? null : [...sound.senses.keys(), ...sound.groups.keys(), ...sound.workflows.keys()];
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
    assert.equal(await message(), "is not there");
    await Deno.writeFile(paths.configFile, new Uint8Array([0x61, 0xff, 0xfe]));
    assert.equal(await message(), "is not UTF-8 text");
    await Deno.writeTextFile(paths.configFile, "#".repeat(2 * 1024 ** 2));
    assert.equal(await message(), "is larger than 1048576 bytes");
    await Deno.remove(paths.configFile);
    await Deno.mkdir(paths.configFile);
    assert.equal(await message(), "is not a file");
  }));

// With any of these a sense could rewrite its own grants, forge the log, or speak as the operator.
Deno.test("a write grant that reaches nerve's own files is refused, however it is spelt", () =>
  inWorkspace(async (paths, load) => {
    const inside = [
      ".",
      "..",
      "data",
      "data/senses",
      "data/senses/b.db",
      "data/logs.db",
      "senses",
      "senses/b",
      "lib/x",
    ];
    const more = [
      "workflows",
      "nerve.yaml",
      "nerve.sock",
      "nerve.lock",
      "logs",
      ".git/hooks",
      "/",
      "~",
      paths.runtimeFolder,
    ];
    for (const path of [...inside, ...more, "files/../data"]) {
      const said = await load(withGrants(`{ write: ["${path}"] }`));
      assert.match(said[0] ?? "", /^error senses\.a\.permissions\.write\[0\]: write of .* covers /, path);
    }
    assert.match((await load(withGrants("{ write: true }")))[0] ?? "", /^error .*: write: true covers nerve\.yaml/);
    assert.deepEqual(await load(withGrants('{ write: [files, "/var/tmp/x", data-of-mine] }')), []);
  }));

Deno.test("a symbolic link does not hide where a write grant leads", () =>
  inWorkspace(async (paths, load) => {
    await Deno.symlink(paths.data, join(paths.root, "link"));
    assert.match(
      (await load(withGrants("{ write: [link] }")))[0] ?? "",
      /covers the log .* through a symbolic link to/,
    );
    assert.match((await load(withGrants("{ write: [link/senses/new] }")))[0] ?? "", /^error .* symbolic link/);
  }));

Deno.test("the control socket cannot be granted", () =>
  inWorkspace(async (paths, load) => {
    for (const socket of [paths.socket, join(paths.runtimeFolder, "g1")]) {
      const said = await load(withGrants(`{ net: ["unix:${socket}"] }`));
      assert.deepEqual(said, ["error senses.a.permissions.net[0]: the control socket is not for senses and workflows"]);
    }
    assert.deepEqual(await load(withGrants('{ net: ["unix:/run/other.sock"] }')), []);
  }));

Deno.test("grants that reach further than they say are warnings", () =>
  inWorkspace(async (_, load) => {
    assert.match((await load(withGrants("{ read: [data] }")))[0] ?? "", /^warning .* covers databases of other senses/);
    assert.match((await load(withGrants('{ read: ["~"] }'))).join("\n"), /covers keys, passwords and/);
    assert.match((await load(withGrants("{ write: [/etc/cron.d] }")))[0] ?? "", /^warning .* opens the sandbox/);
    assert.match((await load(withGrants("{ write: [~/.ssh] }")))[0] ?? "", /^warning .* opens the sandbox/);
    assert.deepEqual(
      await load(withGrants("{ read: [files], write: [files, ~/files] }")),
      [],
      "it may make what it reads",
    );
    const missing = await load(withGrants("{ read: [files], write: [~/files] }"));
    assert.match(
      missing.join("\n"),
      /^warning senses\.a\.permissions\.read\[0\]: read of \S+files"?: there is nothing/,
    );
  }));

// Deno opens nothing there to a worker, whatever paths it is granted.
Deno.test("grants below /proc, /sys and /dev that cannot work are warnings; the open devices are none", () =>
  inWorkspace(async (_, load) => {
    for (const grant of ["read: [/proc/stat]", "read: [/sys]", "read: [/dev/shm]", "write: [/proc/x]"]) {
      const said = await load(withGrants(`{ ${grant} }`));
      assert.match(said.join("\n"), /^warning senses\.a\.permissions\.\w+\[0\]: .* opens nothing: /, grant);
      assert.equal(said.length, 1, grant);
    }
    assert.deepEqual(await load(withGrants("{ read: [/dev/null, /dev/urandom] }")), []);
  }));

Deno.test("~ without a home folder is an error", () =>
  inWorkspace(async (paths, load) => {
    await load(withGrants("{ read: [~/x] }"));
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.ok(!loaded.ok);
    assert.match(loaded.error[0]?.message ?? "", /no home folder/);
  }));

Deno.test("the workspace that was found is the one that is loaded", () =>
  inWorkspace(async (paths, load) => {
    await load(`senses: { a: {}, b: {} }\n${rest}`);
    const found = await findWorkspace({ flag: null, env: null, cwd: paths.senseFolder("a"), home: null });
    const loaded = await loadNerveConfig(workspacePaths(found.root), nowhere);
    assert.ok(loaded.ok);
    assert.deepEqual([...loaded.value.config.senses.keys()], ["a", "b"]);
  }));
