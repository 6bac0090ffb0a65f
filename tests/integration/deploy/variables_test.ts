/**
 * `env_file` under a running kernel. What it prevents: the secrets of a workspace are those of the shell from which its
 * daemon happened to be started, and an upgrade from another shell loses them.
 */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { makeWorkspace, startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const tell = (name: string) => `export const compute = () => ({ value: Deno.env.get("${name}") ?? null });\n`;
const yaml = `env_file: .env
senses:
  a: { permissions: { env: [TOKEN_A] } }
  b: { permissions: { env: [TOKEN_B] } }
  c: {}
`;
const senses = { a: tell("TOKEN_A"), b: tell("TOKEN_B"), c: "export const compute = () => ({ c: 1 });\n" };

function writeSecret(workspace: WorkspaceFixture, text: string): void {
  workspace.write(".env.new", text);
  Deno.chmodSync(`${workspace.root}/.env.new`, 0o600);
  Deno.renameSync(`${workspace.root}/.env.new`, `${workspace.root}/.env`);
}

Deno.test("a unit gets the variables of the file that it is granted, and only units of a changed one get a new process", async () => {
  await using workspace = await makeWorkspace({ senses, yaml, watch: true });
  writeSecret(workspace, "TOKEN_A=first-secret\nTOKEN_B=other-secret\n");
  await workspace.start();
  // What reaches the code is unmasked; what is shown is not.
  assert.deepEqual(await workspace.payload("a"), { value: "[TOKEN_A]" });
  await workspace.payload("b");
  await workspace.payload("c");
  const pids = ["a", "b", "c"].map((name) => workspace.pid(name)), from = workspace.events.length;
  writeSecret(workspace, "TOKEN_A=second-secret\nTOKEN_B=other-secret\nUNUSED=1\n");
  await workspace.log("kernel", /grants or variables changed/, from);
  assert.deepEqual(await workspace.payload("a"), { value: "[TOKEN_A]" });
  assert.notEqual(workspace.pid("a"), pids[0]);
  assert.deepEqual([workspace.pid("b"), workspace.pid("c")], pids.slice(1));
  const shown = JSON.stringify([workspace.events, await workspace.rows({})]);
  for (const secret of ["first-secret", "second-secret"]) assert.equal(shown.includes(secret), false);
});

long.test("the file comes before the daemon's own variables, but cannot say which program a grant of run means", async () => {
  // The bug would be: the lock agrees to `run: [tell]`, and the file lets that name another program.
  const run = `export const compute = async () => {
    let said = "nothing";
    try {
      await new Deno.Command("tell").output();
      said = "found";
    } catch { /* The daemon's PATH has no such program. */ }
    return { said, value: Deno.env.get("TEST_OWN") };
  };\n`;
  Deno.env.set("TEST_OWN", "of-the-shell");
  try {
    await using workspace = await makeWorkspace({
      senses: { a: run },
      yaml: "env_file: .env\nsenses: { a: { permissions: { run: [tell], env: [TEST_OWN] } } }\n",
      files: { "bin/tell": "#!/bin/sh\necho found\n" },
    });
    Deno.chmodSync(`${workspace.root}/bin/tell`, 0o755);
    writeSecret(workspace, `TEST_OWN=file\nPATH=${workspace.root}/bin:/usr/bin:/bin\n`);
    await workspace.start();
    assert.deepEqual(await workspace.payload("a"), { said: "nothing", value: "file" });
  } finally {
    Deno.env.delete("TEST_OWN");
  }
});

long.test("a file that disappears or breaks takes no variable away, and says so; a requested reload takes it as removed", async () => {
  await using workspace = await makeWorkspace({ senses, yaml, watch: true });
  writeSecret(workspace, "TOKEN_A=abc\nTOKEN_B=def\n");
  await workspace.start();
  assert.deepEqual(await workspace.payload("a"), { value: "abc" }, "a short value is no secret");
  const pid = workspace.pid("a");
  let from = workspace.events.length;
  Deno.removeSync(`${workspace.root}/.env`);
  await workspace.problem("kernel", /\.env does not exist: its variables stay as they were/, from);
  assert.deepEqual(await workspace.payload("a"), { value: "abc" });
  from = workspace.events.length;
  Deno.writeFileSync(`${workspace.root}/.env`, new Uint8Array([0xff, 0xfe]));
  await workspace.problem("kernel", /\.env is not UTF-8 text: its variables stay as they were/, from);
  assert.equal(workspace.pid("a"), pid);
  assert.match(workspace.health().warnings.join(), /not UTF-8/);
  Deno.removeSync(`${workspace.root}/.env`);
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { value: null });
  assert.match(
    workspace.health().warnings.join("\n"),
    /does not exist[^]*sense a: TOKEN_A is granted, and set nowhere/,
  );
  writeSecret(workspace, "TOKEN_A=back\nTOKEN_B=def\n");
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { value: "back" });
  assert.deepEqual(workspace.health().warnings, []);
});

long.test("granted variables that are set nowhere, and a file that others may read, are told by validate, status, doctor and reload", async () => {
  await using served = await serveWorkspace({ senses, yaml, files: { ".env": "TOKEN_A=some-secret\n" } });
  Deno.chmodSync(`${served.workspace.root}/.env`, 0o644);
  await served.workspace.kernel.api.reload();
  for (const command of ["validate", "status", "doctor", "reload"]) {
    const { out } = await served.nerve(command);
    assert.match(out, /TOKEN_B is granted, and set nowhere/, command);
    assert.match(out, /other users may read it/, command);
    assert.doesNotMatch(out, /TOKEN_A is granted|some-secret/, command);
  }
});

Deno.test("the file must not lie where code or a backup reads it, and no sense may write it", async () => {
  await using workspace = await makeWorkspace({ senses, yaml });
  const problems = async (text: string) => {
    workspace.write("nerve.yaml", text);
    const io = new CapturedIo({ cwd: workspace.root });
    await runCli(["validate", "--no-types"], io);
    return io.out;
  };
  for (const path of ["data/.env", "senses/a/.env", "lib/.env", "./data/../data/x"]) {
    assert.match(await problems(`env_file: ${path}\nsenses: {}\n`), /error env_file: must not lie in/, path);
  }
  assert.match(await problems("env_file: [a]\nsenses: {}\n"), /error env_file: must be the path of a file/);
  workspace.write("secrets/env", "X=1\n");
  Deno.symlinkSync("secrets/env", `${workspace.root}/.env`);
  assert.match(
    await problems("env_file: .env\nsenses: { a: { permissions: { write: [secrets], read: [secrets] } } }\n"),
    /error senses\.a\.permissions\.write\[0\]: write of "\S*" covers env_file[^]*warning senses\.a\.permissions\.read\[0\]: read of "\S*" covers env_file/,
  );
});

long.test("doctor says whether git ignores the file, and a backup says that it does not hold it", async () => {
  await using served = await serveWorkspace({ senses, yaml, files: { ".env": "TOKEN_A=some-secret\n" } });
  const { workspace } = served;
  const git = (...args: string[]) =>
    new Deno.Command("git", { args: ["-C", workspace.root, ...args], stdout: "null", stderr: "null" }).output();
  await git("init", "--quiet");
  assert.match((await served.nerve("doctor")).out, /secrets: git does not ignore \.env/);
  workspace.write(".gitignore", ".env\n");
  assert.match((await served.nerve("doctor")).out, /secrets: git ignores \.env/);
  await git("add", "--force", ".env");
  assert.match((await served.nerve("doctor")).out, /secrets: git keeps \.env/);
  await workspace.payload("c");
  const { out } = await served.nerve("store", "backup", `${workspace.root}/copy`);
  assert.match(out, /it holds data\/ alone, without nerve\.yaml, senses, \.env/);
  const { stdout } = await new Deno.Command("grep", { args: ["-rl", "some-secret", `${workspace.root}/copy`] })
    .output();
  assert.equal(new TextDecoder().decode(stdout), "");
});

long.test("a file that is emptied takes no variable away until somebody asks for it", async () => {
  // Editors and shells empty a file before they write it: the daemon may read it just then.
  await using workspace = await makeWorkspace({ senses, yaml, watch: true });
  writeSecret(workspace, "TOKEN_A=abc\nTOKEN_B=def\n");
  await workspace.start();
  assert.deepEqual(await workspace.payload("a"), { value: "abc" });
  const from = workspace.events.length;
  writeSecret(workspace, "# nothing\n");
  await workspace.problem("kernel", /\.env is empty: its variables stay as they were/, from);
  assert.deepEqual(await workspace.payload("a"), { value: "abc" });
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { value: null });
});

long.test("a file outside of the workspace is followed too", async () => {
  const outside = await Deno.makeTempFile({ prefix: "nerve-test-env-" });
  try {
    await Deno.writeTextFile(outside, "TOKEN_A=one\nTOKEN_B=x\n");
    await using workspace = await startWorkspace({ senses, yaml: yaml.replace(".env", outside), watch: true });
    assert.deepEqual(await workspace.payload("a"), { value: "one" });
    const from = workspace.events.length;
    await Deno.writeTextFile(outside, "TOKEN_A=two\nTOKEN_B=x\n");
    await workspace.log("kernel", /grants or variables changed/, from);
    assert.deepEqual(await workspace.payload("a"), { value: "two" });
  } finally {
    await Deno.remove(outside);
  }
});
