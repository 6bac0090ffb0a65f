/**
 * The command line as a whole, in process: help, versions, wrong usage, and commands that need no workspace or no
 * daemon.
 */
import assert from "node:assert/strict";
import { nerve } from "../../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("help and version need no workspace", async () => {
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

Deno.test("an error of the operating system is not reported as a bug of nerve, and says what to do", async () => {
  await inTempDir(async (root) => {
    await Deno.writeTextFile(`${root}/file`, "");
    const { code, err } = await nerve(root, "init", "file");
    assert.equal(code, 1);
    assert.match(err, /^❌ a file is where a folder should be: .*\n {3}Choose another path/);
    assert.doesNotMatch(err, /bug of nerve/);
  });
});

Deno.test("wrong usage exits 2 and says what was meant", async () => {
  const cases: [string[], RegExp][] = [
    [["wrkflow"], /did you mean `workflow`/],
    [["workflow", "list", "--al"], /did you mean --all/],
    [["workflow", "list", "--limit", "many"], /--limit cannot be "many": use a whole number of at least 1/],
    [["run", "--for", "soon"], /--for: "soon" is not a duration/],
    [["workflow", "trigger", "cleanup", "--id", "bad id!"], /--id bad id! is not a valid run id/],
    [["dev", "--for", "soon"], /is not a duration/],
    [["workflow", "thread"], /RUN/],
    [["workflow", "list", "--status", "done"], /"done" is not a status/],
    [["events", "--source", "inbox"], /no row has the source "inbox"\n {3}use kernel, group:NAME/],
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

Deno.test("outside a workspace a command says so, and without a daemon it exits 3", async () => {
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
