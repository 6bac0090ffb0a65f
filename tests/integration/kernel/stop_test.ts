/** The end of a kernel, in order or by kill -9: no process that it started survives. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";
import { makeWorkspace, noProcessIn, processesIn, startWorkspace, within } from "../../support/workspace_fixture.ts";

/** A sense whose module starts a program, which lives as long as its process. */
const spawning = `
new Deno.Command("sleep", { args: ["600"], stdin: "null", stdout: "null", stderr: "null" }).spawn().unref();
export const compute = () => ({ spawned: true });`;
const waiting = `export const compute = ({ signal, log }) => new Promise((resolve, reject) => {
  log("info", "waiting");
  signal.addEventListener("abort", () => reject(signal.reason));
});`;
const runs = { permissions: { run: ["sleep"] } };

long.test("a stop aborts running computes, ends every process, and leaves no program behind", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { waiting: {}, looping: { grace_period: "100ms" }, spawning: runs, idle: {} } },
    senses: {
      waiting,
      looping:
        "export const compute = ({ log }) => { log('info', 'looping'); setTimeout(() => { for (;;); }, 1); return new Promise(() => {}); };",
      spawning,
      idle: "export const compute = () => 1;",
    },
  });
  await workspace.payload("idle");
  await workspace.payload("spawning");
  const waited = workspace.trigger("waiting"), looped = workspace.trigger("looping");
  await workspace.log("sense:waiting", /waiting/);
  await workspace.log("sense:looping", /looping/);
  assert.equal(processesIn(workspace.root).length, 5, "four groups and one program");
  await workspace.stop();
  assert.deepEqual(
    await waited,
    { kind: "group_down", message: "the daemon stops" },
    "a stop does not count as a timeout",
  );
  assert.deepEqual(await looped, { kind: "group_down", message: "the daemon stops" });
  assert.deepEqual(processesIn(workspace.root), []);
  const changes = workspace.events.filter((event) => event.kind === "unit" && event.change !== "ready");
  const ends = changes.map((event) => event.kind === "unit" && `${event.unit} ${event.change}`);
  const inOrder = ["group:idle ended", "group:spawning ended", "group:waiting ended"];
  assert.deepEqual(ends.sort(), [...inOrder, "group:looping died"].sort(), "only what did not stop was killed");
});

long.test("programs started by a sense die with their group when it is killed", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { spawning: runs, other: {} } },
    senses: { spawning, other: "export const compute = () => 1;" },
  });
  await workspace.payload("spawning");
  await workspace.payload("other");
  assert.equal(processesIn(workspace.root).length, 3);
  Deno.kill(workspace.pid("spawning"), "SIGKILL");
  await workspace.change("group:spawning", "died");
  const other = workspace.pid("other");
  await within(
    (async () => {
      while (processesIn(workspace.root).length > 1) await workspace.payload("other");
    })(),
    "the program to end",
  );
  assert.deepEqual(processesIn(workspace.root), [other]);
});

Deno.test("kill -9 of the kernel leaves neither processes of groups nor programs that they started", async () => {
  await using workspace = await makeWorkspace({
    yaml: {
      senses: { spawning: runs, waiting: {}, looping: {} },
      reflexes: ["spawning", "waiting", "looping"].map((sense) => ({ sense, interval: "1h" })),
    },
    senses: {
      spawning,
      waiting,
      looping: "export const compute = ({ log }) => { log('info', 'looping'); for (;;); };",
    },
  });
  await workspace.config();
  const script = `
    import { createKernel } from "${repository}src/mod.ts";
    import { loadNerveConfig } from "${repository}src/config/load.ts";
    import { workspacePaths } from "${repository}src/config/workspace.ts";
    const loaded = await loadNerveConfig(workspacePaths(Deno.args[0]));
    const kernel = createKernel(loaded.value.config, Deno.args[0]);
    for await (const event of kernel.events()) console.log(JSON.stringify(event));`;
  const kernel = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", "--config", `${repository}deno.json`, "-", workspace.root],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = kernel.stdin.getWriter();
  await input.write(new TextEncoder().encode(script));
  await input.close();
  await within(
    (async () => {
      let text = "";
      for await (const chunk of kernel.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (/spawned/.test(text) && /"waiting"/.test(text) && /"looping"/.test(text)) return;
      }
      assert.fail(`the kernel ended: ${text}`);
    })(),
    "all three senses to be at work",
  );
  assert.equal(processesIn(workspace.root).length, 4, "three groups and one program");
  kernel.kill("SIGKILL");
  await kernel.status;
  await noProcessIn(workspace.root);
});

Deno.test("a second kernel of a workspace is refused with DAEMON_RUNNING, and all its waiters are rejected", async () => {
  await using workspace = await startWorkspace({ senses: { a: "export const compute = () => 1;" } });
  const { createKernel } = await import("../../../src/mod.ts");
  const second = createKernel(await workspace.config(), workspace.root);
  await assert.rejects(second.ready, { code: "DAEMON_RUNNING", message: new RegExp(`pid ${Deno.pid}`) });
  await within(second.stopped, "the second kernel to have stopped");
  assert.deepEqual(await Array.fromAsync(second.events()), []);
  await second.stop();
  assert.equal(await workspace.payload("a"), 1, "the first is as it was");
});
