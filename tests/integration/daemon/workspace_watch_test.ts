/** A workspace that is taken away from its daemon, and what the daemon does when it comes back, elsewhere, or never. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { readProcessStat } from "../../../src/base/process_id.ts";
import { runCli } from "../../../src/cli/app.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import { findDaemon, waitUntil } from "../../../src/daemon/discovery.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { DaemonWorkspace, deadlineMs } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

/** The daemon still writes while the folder is removed: a file may appear after its contents were listed. */
async function removeWhole(folder: string): Promise<void> {
  for (;;) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (thrown) {
      if (!(thrown instanceof Error && thrown.message.includes("not empty"))) throw thrown;
    }
  }
}

long.test("a daemon whose workspace is removed leaves no process and no folder, and waits until it is stopped", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  assert.equal((await workspace.nerve("workflow", "trigger", "slow", "--prompt", "600000")).code, 0);
  await workspace.reached("the role", () => /role begins/.test(workspace.textLog()));
  await removeWhole(workspace.root);
  await workspace.reached("the end of the kernel, which waits for no role", () => readProcessStat(kernel) === null);
  assert.deepEqual([...Deno.readDirSync(workspace.folder)], [], "it does not come back as an empty folder");
  Deno.kill(supervisor, "SIGTERM");
  await workspace.nothingLeft();
  assert.deepEqual([...Deno.readDirSync(workspace.folder)], []);
});

long.test("a daemon whose workspace is removed and recreated behaves like a fresh start there", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  assert.equal((await workspace.nerve("workflow", "trigger", "slow", "--id", "gone", "--prompt", "600000")).code, 0);
  await removeWhole(workspace.root);
  // In the order of a copy: for a while it is incomplete.
  await writeWorkspace(workspace.root, { "nerve.yaml": "senses: { pong: {} }\nreflexes: [{ sense: pong, on: [] }]\n" });
  await writeWorkspace(workspace.root, {
    "senses/pong/index.ts": "export const compute = () => ({ fresh: true });\n",
    "nerve.yaml": "senses: { pong: {} }\nreflexes: [{ sense: pong, interval: 1h }]\n",
  });
  await workspace.reached("the first signal", () => {
    return findDaemon(workspace.paths).supervised?.state === "running" && /sense:pong/.test(workspace.textLog());
  });
  assert.equal(workspace.pids().supervisor, supervisor);
  assert.notEqual(workspace.pids().kernel, kernel);
  const { document } = await workspace.status();
  assert.deepEqual([document.condition, document.deaths, document.problem], ["running", 0, null]);
  assert.deepEqual(document.health.units.map(({ name }: { name: string }) => name), ["pong"]);
  assert.equal((await workspace.nerve("workflow", "inspect", "gone")).code, 1, "its data is gone");
  const log = workspace.textLog();
  assert.match(log, /event=workspace\.gone message="the workspace was removed, .* and all its processes have ended"/);
  assert.match(log, /event=kernel\.restart message="there is a workspace again/);
  assert.equal((await workspace.nerve("stop")).code, 0);
  await workspace.nothingLeft();
});

long.test("a daemon whose workspace is moved stops, and resumes when it is moved back; none runs at the new place", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  const moved = `${workspace.folder}/moved`;
  await Deno.rename(workspace.root, moved);
  await workspace.reached("the end of the kernel", () => readProcessStat(kernel) === null);
  const { code, out } = await workspace.nerve("status", "--workspace", moved);
  assert.deepEqual([code, /no daemon runs in .*; .*moved or copied here from .*\/ws, where/.test(out)], [3, true], out);
  await Deno.rename(moved, workspace.root);
  await workspace.reached("another kernel", () => {
    const found = findDaemon(workspace.paths);
    return found.supervised?.state === "running" && found.kernel !== null && found.kernel.pid !== kernel;
  });
  assert.equal(workspace.pids().supervisor, supervisor);
});

long.test("a copy of a workspace with a running daemon is an independent workspace", async () => {
  await using workspace = await DaemonWorkspace.make();
  await workspace.start();
  const copy = `${workspace.folder}/copy`;
  await writeWorkspace(copy, {
    "nerve.yaml": "senses: {}\n",
    "logs/daemon.json": Deno.readTextFileSync(`${workspace.paths.logs}/daemon.json`),
    "nerve.lock": Deno.readTextFileSync(workspace.paths.lockFile),
  });
  const run = (...argv: string[]) => workspace.nerve(...argv, "--workspace", copy);
  assert.equal((await run("stop")).code, 3);
  const started = await run("start");
  assert.equal(started.code, 0, started.err);
  assert.equal((await run("stop")).code, 0);
  assert.equal((await workspace.status()).document.condition, "running");
});

const sense = (name: string) => ({
  "nerve.yaml": `senses: { ${name}: {} }\nreflexes: [{ sense: ${name}, interval: 1h }]\n`,
  [`senses/${name}/index.ts`]: `export const compute = () => ({ ${name}: true });\n`,
});

long.test("nerve run restarts when its workspace was removed and recreated, and Ctrl-C still ends it", async () => {
  await inTempDir(async (folder) => {
    const root = `${await Deno.realPath(folder)}/ws`, io = new CapturedIo({ cwd: folder });
    await writeWorkspace(root, sense("first"));
    const code = runCli(["run", "--workspace", root], io);
    await io.seen(/📡 first/);
    for (const name of ["second", "third"]) {
      await removeWhole(root);
      await io.seen(new RegExp("(nerve starts again when [^]*){" + (name === "second" ? 1 : 2) + "}"));
      await writeWorkspace(root, sense(name));
      await io.seen(new RegExp(`📡 ${name}`));
      using client = new ControlClient(workspacePaths(root).socket);
      assert.ok(await waitUntil(systemClock, deadlineMs, () => client.health().then(() => true, () => false)));
      assert.deepEqual((await client.senses()).map((view) => view.name), [name]);
    }
    io.interrupt();
    assert.equal(await code, 0);
    assert.match(io.out, /✅ stopped after .*: 3 signals, 0 runs/);
    assert.equal(io.listening, false);
  });
});

long.test("nerve run waits for a removed workspace until Ctrl-C, and does not recreate its folder", async () => {
  await inTempDir(async (folder) => {
    const root = `${await Deno.realPath(folder)}/ws`, io = new CapturedIo({ cwd: folder });
    await writeWorkspace(root, sense("first"));
    const code = runCli(["run", "--workspace", root], io);
    await io.seen(/📡 first/);
    await removeWhole(root);
    await io.seen(/nerve starts again when/);
    io.interrupt();
    assert.equal(await code, 0);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});
