/** Grants on real paths. Danger: a grant that reaches nerve's own files by another spelling or through a link. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { loadNerveConfig } from "../../../src/config/load.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { checkGrants } from "../../../src/config/permissions/check_grants.ts";
import { inWorkspace, restOfYaml } from "../../support/loaded_workspace.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

const nowhere = { home: null, nerveModules: [] };

const withGrants = (permissions: string) => `senses:\n  a: { permissions: ${permissions} }\n  b: {}\n${restOfYaml}`;

// With any of these a sense could rewrite its own grants, forge the log, or act as the operator.
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
      const problems = await load(withGrants(`{ write: ["${path}"] }`));
      assert.match(problems[0] ?? "", /^error senses\.a\.permissions\.write\[0\]: write of .* covers /, path);
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

// The first wall follows links, and the second one holds what is there when a process starts: its rule would be of the target.
Deno.test("a grant in a folder where programs of another unit may put a link in its place is named", () =>
  inWorkspace(async (_, load) => {
    const both = (a: string, b: string) =>
      `senses:\n  a: { permissions: ${a} }\n  b: { permissions: ${b} }\n${restOfYaml}`;
    const programs = "{ write: [out], run: [sh] }";
    for (const b of ["{ write: [out/b] }", "{ read: [out/b/c] }", "{ write: [out/b], run: [sh] }"]) {
      const problems = await load(both(programs, b));
      assert.match(
        problems.join(),
        /warning senses\.b\.permissions\.(read|write)\[0\]: .* lies in .*out", where programs of sense a may put a link/,
        b,
      );
      assert.ok(!problems.some((problem) => problem.includes("senses.a")), b);
    }
    const isNamed = async (a: string, b: string) =>
      (await load(both(a, b))).some((each) => each.includes("put a link"));
    assert.equal(await isNamed("{ write: [out] }", "{ write: [out/b] }"), false, "its code makes no links");
    assert.equal(await isNamed(programs, "{ write: [out] }"), false);
    assert.equal(await isNamed(programs, "{ write: [output] }"), false);
    assert.deepEqual(await load(withGrants("{ write: [out, out/b], run: [sh] }")), [], "its own");
  }));

Deno.test("a link of a program in the place of another unit's grant holds that unit alone, however it is granted", () =>
  inWorkspace(async (paths, load) => {
    Deno.mkdirSync(`${paths.root}/out`);
    Deno.mkdirSync(`${paths.root}/secret`);
    Deno.symlinkSync("../secret", `${paths.root}/out/b`);
    const both = (b: string, a = "{ write: [out], run: [sh] }") =>
      `senses:\n  a: { permissions: ${a} }\n  b: { permissions: ${b} }\n${restOfYaml}`;
    for (
      const b of [
        "{ read: [out/b] }",
        "{ write: [out/b/c] }",
        "{ run: [out/b/x] }",
        `{ net: ["unix:${paths.root}/out/b/s"] }`,
      ]
    ) {
      const problems = await load(both(b)),
        wanted = /error senses\.b\.permissions: .* leads elsewhere: the link .*out\/b"/;
      // What it may run, a's grant covers.
      if (b.includes("run")) assert.match(problems.join(), /error senses\.a.*may run/);
      else assert.match(problems.join(), wanted, b);
    }
    await Deno.writeTextFile(paths.configFile, both("{ read: [out/b] }"));
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.deepEqual(loaded.ok && [...loaded.value.config.faults.keys()], ["sense:b"]);
    for (const a of ["{}", "{ write: [out/c], run: [sh] }", "{ write: [out], run: [sh], unconfined: true }"]) {
      assert.doesNotMatch((await load(both("{ read: [out/b] }", a))).join(), /leads elsewhere/, a);
    }
  }));

Deno.test("the control socket cannot be granted", () =>
  inWorkspace(async (paths, load) => {
    for (const socket of [paths.socket, join(paths.runtimeFolder, "g1")]) {
      const problems = await load(withGrants(`{ net: ["unix:${socket}"] }`));
      assert.deepEqual(problems, [
        "error senses.a.permissions.net[0]: senses and workflows must not use the control socket",
      ]);
    }
    assert.deepEqual(await load(withGrants('{ net: ["unix:/run/other.sock"] }')), []);
  }));

Deno.test("grants that reach further than they seem to are warnings", () =>
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
      /^warning senses\.a\.permissions\.read\[0\]: read of \S+files"?: the path does not/,
    );
  }));

// Deno opens nothing there to a worker, whatever paths it is granted.
Deno.test("grants below /proc, /sys and /dev that cannot work are warnings; those for open devices are not", () =>
  inWorkspace(async (_, load) => {
    for (const grant of ["read: [/dev/shm]", "write: [/proc/x]", "write: [/sys]"]) {
      const problems = await load(withGrants(`{ ${grant} }`));
      assert.match(problems.join("\n"), /^warning senses\.a\.permissions\.\w+\[0\]: .* opens nothing: /, grant);
      assert.equal(problems.length, 1, grant);
    }
    assert.deepEqual(await load(withGrants("{ read: [/dev/null, /dev/urandom, /proc/stat, /sys] }")), []);
  }));

Deno.test("~ without a home folder is an error", () =>
  inWorkspace(async (paths, load) => {
    await load(withGrants("{ read: [~/x] }"));
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.ok(!loaded.ok);
    assert.match(loaded.error[0]?.message ?? "", /no home folder/);
  }));

/** Every place that somebody else executes or reads as configuration, from a workspace in a home folder of its own. */
Deno.test("each row of the table is refused or named, in either direction, by validate, permissions and the lock", () =>
  inWorkspace(async (paths, load) => {
    const { root } = paths, home = join(root, "..", "home"), cache = join(root, "..", "cache");
    const refused = [
      ...[
        "deno.json",
        "deno.lock",
        "import_map.json",
        ".nerve/types/x.ts",
        "node_modules/yaml",
        "nerve.permissions.lock",
      ],
      ...["senses/a/index.ts", "data.restored", "../.git", ".git/config"],
      ...[
        cache,
        `${cache}/npm`,
        `${home}/.nerve/senses`,
        `${home}/.cache/nerve/abc`,
        Deno.execPath(),
        home,
        dirname(home),
        "/",
      ],
    ];
    const named = [
      ...["/usr/share", "/etc/cron.d/x", "/var/spool/cron", "/var/spool", "/opt/tool", "/run/systemd"],
      ...[`${home}/.bashrc`, `${home}/.config/systemd/user`, `${home}/bin`, "/srv/programs/x"],
    ];
    const env = (name: string) => ({ DENO_DIR: cache, PATH: "/srv/programs:/usr/bin", HOME: home })[name];
    const check = async (path: string) => {
      const parsed = parseNerveConfig(withGrants(`{ write: [${JSON.stringify(path)}] }`));
      assert.ok(parsed.ok);
      const found = await checkGrants(parsed.value, paths, { home, nerveModules: [], env });
      return found.map(({ severity, message }) => `${severity} ${message}`)[0] ?? "";
    };
    for (const path of refused) assert.match(await check(path), /^error write of .* covers /, path);
    for (const path of named) {
      assert.match(await check(path), /^warning write of .* opens the sandbox: it covers /, path);
    }
    assert.match((await load(withGrants("{ write: [/etc/profile.d] }"))).join(), /opens the sandbox/);
    for (const path of ["files", "/srv/data", "/var/tmp/x", `${home}/Documents`]) {
      assert.equal(await check(path), "", path);
    }
  }));

Deno.test("another workspace, its files and a folder that holds it are refused, and a repository is named", () =>
  inWorkspace(async (paths, load) => {
    await writeWorkspace(join(paths.root, ".."), {
      "other/deep/nerve.yaml": "senses: {}",
      "other/deep/files/x": "",
      "checkout/.git/config": "",
    });
    for (const path of ["../other", "../other/deep", "../other/deep/senses/new", "../other/deep/nerve.yaml"]) {
      assert.match((await load(withGrants(`{ write: ["${path}"] }`)))[0] ?? "", /^error .* covers .* workspace/, path);
    }
    assert.deepEqual(await load(withGrants('{ write: ["../other/deep/files"] }')), []);
    const repository = await load(withGrants('{ write: ["../checkout"] }'));
    assert.match(repository[0] ?? "", /^warning .* opens the sandbox: it covers git hooks and settings in ".git"/);
  }));

Deno.test("a program that another unit may run is refused, and one's own is named", () =>
  inWorkspace(async (paths, load) => {
    await writeWorkspace(paths.root, { "files/tool": "" });
    const own = await load(withGrants("{ write: [files], run: [./files/tool] }"));
    assert.match(
      own.join("\n"),
      /warning .*write\[0\]: .* opens the sandbox: it covers .*files\/tool, which it may run/,
    );
    const yaml = "senses: { a: { permissions: { write: [files] } }, b: { permissions: { run: [./files/tool] } } }\n";
    assert.match((await load(`${yaml}${restOfYaml}`))[0] ?? "", /^error .*covers .*files\/tool, which sense b may run/);
  }));

// Attack: files/app/v1/data -> ../data leads nowhere outside, until it is renamed to files/data2.
Deno.test("links that lead to nerve's files once they are moved, and other names of its files, are refused", () =>
  inWorkspace(async (paths, load) => {
    const { root } = paths, problem = async () => (await load(withGrants("{ write: [files] }")))[0] ?? "";
    await writeWorkspace(root, { "files/app/data/x": "", "files/app/v1/x": "", "files/app/senses/x": "" });
    await Deno.symlink("../data", join(root, "files/app/v1/data"));
    assert.match(
      await problem(),
      /^error .* covers the log .* the link "app\/v1\/data", which leads there once it is moved/,
    );
    await Deno.remove(join(root, "files/app/v1/data"));
    // Every unit may write data/blobs, and so move a link there.
    await Deno.mkdir(join(paths.data, "senses"), { recursive: true });
    await Deno.symlink("../senses", join(root, "files/app/v1/databases"));
    assert.match(await problem(), /^error .* the link "app\/v1\/databases"/);
    await Deno.remove(join(root, "files/app/v1/databases"));
    await Deno.link(join(root, "senses/a/index.ts"), join(root, "files/app/code"));
    assert.match(await problem(), /^error .* covers senses\/a\/index\.ts through its other name "app\/code"/);
    await Deno.remove(join(root, "files/app/code"));
    await Deno.symlink("../v1/x", join(root, "files/app/v1/inside"));
    assert.equal(await problem(), "");
  }));

Deno.test("without Landlock a granted program is a warning, and isolation: require an error", () =>
  inWorkspace(async (paths) => {
    const problemsOf = async (landlock: number, text: string) => {
      await Deno.writeTextFile(paths.configFile, text);
      const loaded = await loadNerveConfig(paths, { ...nowhere, landlock: () => landlock });
      return (loaded.ok ? loaded.value.warnings : loaded.error).map((each) => `${each.severity} ${each.path}`);
    };
    const runs = withGrants("{ run: [df] }"), required = `isolation: require\n${withGrants("{}")}`;
    assert.deepEqual(await problemsOf(0, runs), ["warning senses.a.permissions.run"]);
    assert.deepEqual(await problemsOf(7, runs), []);
    assert.deepEqual(await problemsOf(0, required), ["error isolation"]);
    assert.deepEqual(await problemsOf(1, required), []);
    const unconfined = withGrants("{ run: [df], unconfined: true }");
    assert.deepEqual(await problemsOf(0, unconfined), ["warning senses.a.permissions.unconfined"]);
  }));
