/** Grants on real paths. Danger: a grant that reaches nerve's own files by another spelling or through a link. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadNerveConfig } from "../../../src/config/load.ts";
import { inWorkspace, restOfYaml } from "../../support/loaded_workspace.ts";

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
    for (const grant of ["read: [/proc/stat]", "read: [/sys]", "read: [/dev/shm]", "write: [/proc/x]"]) {
      const problems = await load(withGrants(`{ ${grant} }`));
      assert.match(problems.join("\n"), /^warning senses\.a\.permissions\.\w+\[0\]: .* opens nothing: /, grant);
      assert.equal(problems.length, 1, grant);
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
