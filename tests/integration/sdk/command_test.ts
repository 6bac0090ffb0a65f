/**
 * `command` from "nerve". Dangers: a program, or what it has started, that outlives the call; a role that waits for ever; a
 * program that floods the log.
 */
import assert from "node:assert/strict";
import { command } from "../../../src/sdk/mod.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const { signal } = new AbortController();

function shellWorkflow(roles: string) {
  return {
    yaml: { workflows: { w: { permissions: { run: ["sh"] } } } },
    workflows: { w: `import { command } from "nerve";\n${steps(roles)}` },
  };
}

Deno.test("a role's program: its code, the end of its output, and each line in the log of the run", async () => {
  await using workspace = await startWorkspace(shellWorkflow(`
    tests: async ({ signal, log }) => {
      const script = "echo one; echo two >&2; echo $COLOUR; pwd; exit 3";
      const result = await command("sh", ["-c", script], { signal, log, env: { COLOUR: "red" }, cwd: "data" });
      return { content: result.output, meta: { code: result.code, success: result.success } };
    }`));
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const [said] = workspace.kernel.api.records.messages("a", {});
  assert.deepEqual(said?.meta, { code: 3, success: false });
  const lines = said?.content.trimEnd().split("\n").sort();
  assert.deepEqual(lines, [`${workspace.root}/data`, "one", "red", "two"].sort());
  const logged = (await rowsOf(workspace, "a", "run.log")).map(({ message }) => String(message));
  assert.deepEqual(logged.sort(), lines);
});

Deno.test("what a program has started ends with it, and the program with its time; the role goes on", async () => {
  const seconds = ownSeconds();
  const leave = `sleep ${seconds} & setsid sleep ${seconds} & exit 0`;
  const hang = `trap '' TERM; setsid sleep ${seconds} & sleep ${seconds}`;
  await using workspace = await startWorkspace(shellWorkflow(`
    both: async ({ signal, log }) => {
      const { code } = await command("sh", ["-c", ${JSON.stringify(leave)}], { signal });
      const limits = { signal, timeout: "300ms" };
      const error = await command("sh", ["-c", ${JSON.stringify(hang)}], limits).catch((thrown) => thrown);
      log("info", "ended " + code + ", " + error.name + ": " + error.message);
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return { content: "", meta: {} };
    }`));
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await workspace.log("workflow:w", /^ended 0, TimeoutError: sh took longer than 300ms$/);
  assert.deepEqual(runningWith(seconds), []);
  await workspace.kernel.api.killRun("a", null);
});

Deno.test("a killed run's program ends at once, and all that it has started", async () => {
  const seconds = ownSeconds(), script = `trap '' TERM; setsid sleep ${seconds} & sleep ${seconds}`;
  await using workspace = await startWorkspace(shellWorkflow(`
    long: async ({ signal }) => {
      const { output } = await command("sh", ["-c", ${JSON.stringify(script)}], { signal });
      return { content: output, meta: {} };
    }`));
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await untilRunning(seconds, 2);
  await workspace.kernel.api.killRun("a", null);
  await untilRunning(seconds, 0);
});

Deno.test("a flood is logged up to its bounds, and counted; the last of it is the output", async () => {
  const logged: [string, string][] = [];
  const log = (level: string, message: string) => void logged.push([level, message]);
  const { code, output } = await command("sh", ["-c", "seq 30000"], { signal, log });
  assert.equal(code, 0);
  assert.deepEqual(logged.slice(0, 2), [["info", "1"], ["info", "2"]]);
  assert.deepEqual(logged.slice(-2), [["info", "10000"], ["warn", "20000 more lines of its output were not logged"]]);
  assert.ok(output.endsWith("29999\n30000\n") && output.length <= 65_536, `${output.length} characters`);
  await command("sh", ["-c", "yes $(seq 500 | tr '\\n' ' ') | head -n 2000"], {
    signal,
    log: (_, line) => log("long", line),
  });
  const long = logged.filter(([level]) => level === "long");
  assert.equal(long.at(-1)?.[1], `${2000 - long.length + 1} more lines of its output were not logged`);
  assert.ok(long.reduce((sum, [, line]) => sum + line.length, 0) <= 2 ** 20 + 100);
});

Deno.test("a program whose child holds its output open does not hold the call", async () => {
  const seconds = ownSeconds();
  const { output } = await command("sh", ["-c", `echo said; sleep ${seconds} &`], { signal });
  assert.equal(output, "said\n");
  // Outside of the sandbox nobody ends what it has left.
  for (const pid of runningWith(seconds)) Deno.kill(pid, "SIGKILL");
});

Deno.test("what cannot run is refused, and what is aborted is not started", async () => {
  await assert.rejects(command("/no/such/program", [], { signal }), Deno.errors.NotFound);
  await assert.rejects(command("true", [], { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  await assert.rejects(command("true", [], { signal, timeout: "soon" }), /command: the timeout .*soon/);
});
