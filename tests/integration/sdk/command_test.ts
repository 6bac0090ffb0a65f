/**
 * `command` from "nerve". Dangers: a program, or what it has started, that outlives the call; a role that waits for ever; a
 * program that floods the log.
 */
import assert from "node:assert/strict";
import { command } from "../../../src/sdk/mod.ts";
import { long } from "../../support/long_form.ts";
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
  assert.deepEqual(logged.flatMap((rows) => rows.split("\n")).sort(), lines);
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

long.test("a program that hides its mark ends with its role; outside of a role none is started", async () => {
  const seconds = ownSeconds(), hide = `env -u NERVE_STARTED_BY sleep ${seconds} & echo said; sleep 0.1`;
  await using workspace = await startWorkspace({
    ...shellWorkflow(""),
    workflows: {
      w: `import { command } from "nerve";
const early = command("sh", ["-c", "sleep ${seconds}"], { signal: new AbortController().signal }).catch(String);
${
        steps(`
    hides: async ({ signal }) => {
      const refused = await early;
      const { output } = await command("sh", ["-c", ${JSON.stringify(hide)}], { signal });
      return { content: output + refused, meta: {} };
    }`)
      }`,
    },
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const [said] = workspace.kernel.api.records.messages("a", {});
  assert.match(said?.content ?? "", /^said\nNotCapable: only a compute or a role may start this/);
  assert.deepEqual(runningWith(seconds), []);
});

long.test("a killed run's program ends at once, and all that it has started", async () => {
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

long.test("a role's fast output is in the log whole, as far as the bounds: many lines share a row", async () => {
  await using workspace = await startWorkspace(shellWorkflow(`
    tests: async ({ signal, log }) => {
      const { output } = await command("sh", ["-c", "seq 20000"], { signal, log });
      return { content: String(output.length), meta: {} };
    }`));
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const rows = (await rowsOf(workspace, "a", "run.log")).map(({ message }) => String(message));
  assert.equal(rows.pop(), "10000 more lines of its output were not logged");
  assert.deepEqual(rows.join("\n").split("\n"), Array.from({ length: 10_000 }, (_, index) => String(index + 1)));
  assert.ok(rows.length < 100, `${rows.length} rows`);
});

long.test("endless output holds up neither the timeout nor anybody else; the last of it is the output", async () => {
  // The bug was: with short lines the event loop got no turn, and the process ended as one that does not answer.
  for (const line of ["", "y", "x".repeat(1_000)]) {
    const limits = { signal, log: () => {}, timeout: "300ms" };
    await assert.rejects(command("yes", [line], limits), { name: "TimeoutError" });
  }
  const logged: string[] = [];
  const { code, output } = await command("sh", ["-c", "seq 300000"], { signal, log: (_, line) => logged.push(line) });
  assert.equal(code, 0);
  assert.deepEqual(logged[0]?.split("\n").slice(0, 2), ["1", "2"]);
  assert.equal(logged.at(-1), "290000 more lines of its output were not logged");
  assert.ok(output.endsWith("299999\n300000\n") && output.length === 65_536, `${output.length} characters`);
});

long.test("a program whose child holds its output open does not hold the call", async () => {
  const seconds = ownSeconds();
  const { output } = await command("sh", ["-c", `echo said; sleep ${seconds} &`], { signal });
  assert.equal(output, "said\n");
  // Outside of the sandbox nobody ends what it has left.
  for (const pid of runningWith(seconds)) Deno.kill(pid, "SIGKILL");
});

Deno.test("what cannot run is refused, and what is aborted is not started", async () => {
  await assert.rejects(command("/no/such/program", [], { signal }), Deno.errors.NotFound);
  await assert.rejects(command("true", [], { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  for (const timeout of ["soon", "0s", -5, NaN, Infinity]) {
    await assert.rejects(command("true", [], { signal, timeout }), /command: the timeout /, String(timeout));
  }
});
