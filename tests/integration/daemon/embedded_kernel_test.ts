/** A kernel inside a program that is not nerve: no command ends that program, or waits for it. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { waitUntil } from "../../../src/daemon/discovery.ts";
import { DaemonWorkspace, deadlineMs } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";

interface Host extends AsyncDisposable {
  readonly pid: number;
  said(text: string): Promise<void>;
  alive(): boolean;
}

/** Runs a program of one's own in the workspace. It prints `ready`, `stopped`, and lives until it is killed. */
function embed(workspace: DaemonWorkspace, options: string): Host {
  return runHost(
    workspace,
    `import { createKernel, loadNerveConfig, workspacePaths } from "${repository}/src/mod.ts";
    const root = Deno.args[0], loaded = await loadNerveConfig(workspacePaths(root));
    const kernel = createKernel(loaded.value.config, root, ${options});
    await kernel.ready;
    console.log("ready");
    setInterval(() => {}, 60_000);
    await kernel.stopped;
    console.log("stopped");`,
  );
}

function runHost(workspace: DaemonWorkspace, program: string): Host {
  Deno.writeTextFileSync(`${workspace.folder}/host.ts`, program);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-prompt", "--cached-only", "--no-check", "-c", `${repository}/deno.json`],
      ...[`${workspace.folder}/host.ts`, workspace.root],
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let out = "", ended = false;
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) out += text;
  })();
  void child.status.then(() => ended = true);
  return {
    pid: child.pid,
    alive: () => !ended,
    async said(text) {
      assert.ok(await waitUntil(systemClock, deadlineMs, () => out.includes(text) || ended), `no ${text}: ${out}`);
      assert.ok(out.includes(text), `it ended: ${out}`);
    },
    async [Symbol.asyncDispose]() {
      if (!ended) child.kill("SIGKILL");
      await child.status;
      await reading;
    },
  };
}

long.test("without the control API nerve stop and nerve start refuse at once, and the program lives", async () => {
  // The bug was: nerve stop sent SIGTERM to the program after 3 s, and nerve start waited for it for half a minute.
  await using workspace = await DaemonWorkspace.make();
  await using host = embed(workspace, `{ program: "in\\nbox" }`);
  await host.said("ready");
  for (const command of [["stop"], ["start"], ["restart"], ["sense", "trigger", "ping"]]) {
    const { code, err } = await workspace.nerve(...command);
    assert.equal(code, 1, command.join(" "));
    assert.match(err, new RegExp(`the program in box \\(pid ${host.pid}\\), which embeds nerve`), command.join(" "));
    assert.match(err, /the option `control` of createKernel/, command.join(" "));
  }
  const status = await workspace.nerve("status");
  assert.equal(status.code, 1);
  assert.match(status.out, new RegExp(`inside in box \\(pid ${host.pid}\\), without the control API`));
  const { document } = await workspace.status();
  assert.deepEqual([document.condition, document.holder], ["embedded", { kind: "embedded", program: "in box" }]);
  const doctor = await workspace.nerve("doctor");
  assert.match(
    doctor.out,
    /lock: held by the program in box .*\n[^]*socket: none: the program in box .* serves no control/,
  );
  assert.match((await workspace.nerve("sense", "list")).out, /the program in box .* serves no control API/);
  assert.ok(host.alive());
});

long.test("with the control API every command works, and nerve stop stops the kernel, not the program", async () => {
  await using workspace = await DaemonWorkspace.make();
  await using host = embed(workspace, "{ control: true }");
  await host.said("ready");
  const { document } = await workspace.status();
  assert.deepEqual([document.condition, document.holder], ["running", { kind: "embedded", program: "host.ts" }]);
  assert.match((await workspace.nerve("status")).out, /inside host\.ts\)/);
  assert.match((await workspace.nerve("sense", "trigger", "ping", "--wait")).out, /pong/);
  const started = await workspace.nerve("start");
  assert.deepEqual([started.code, /held by the program host\.ts/.test(started.err)], [1, true]);
  const stopped = await workspace.nerve("stop");
  assert.equal(stopped.code, 0, stopped.err);
  assert.match(stopped.out, new RegExp(`stopped the kernel of host\\.ts \\(pid ${host.pid}\\), which goes on`));
  await host.said("stopped");
  assert.ok(host.alive());
  assert.equal((await workspace.status()).document.condition, "down");
  // Nothing of it is in the way of a daemon.
  await workspace.start();
});

Deno.test("a kernel whose control API cannot be served does not start, and leaves the workspace free", async () => {
  await using workspace = await DaemonWorkspace.make({ "nerve.sock/in_the_way": "" });
  const { createKernel, loadNerveConfig } = await import("../../../src/mod.ts");
  const loaded = await loadNerveConfig(workspace.paths);
  assert.ok(loaded.ok);
  const kernel = createKernel(loaded.value.config, workspace.root, { control: true });
  await assert.rejects(kernel.ready);
  await kernel.stopped;
  assert.equal((await workspace.status()).document.condition, "down");
});

long.test("nerve stop ends no other command of nerve that holds the workspace", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { lockFile, pidFile, root } = workspace.paths,
    lock = [lockFile, pidFile, root].map((path) => JSON.stringify(path));
  await using holder = runHost(
    workspace,
    `import { lockWorkspace } from "${repository}/src/store/workspace_lock.ts";
    await lockWorkspace(${lock}, { kind: "command", program: "nerve" });
    console.log("ready");
    setInterval(() => {}, 60_000);`,
  );
  await holder.said("ready");
  const { code, err } = await workspace.nerve("stop"), { document } = await workspace.status();
  assert.equal(code, 1);
  assert.match(err, new RegExp(`a command of nerve \\(pid ${holder.pid}\\) holds`));
  assert.equal(document.condition, "busy");
  assert.ok(holder.alive());
});
