/** A daemon that is stopped by a signal: its socket accepts connections, but nothing ever answers. */
import assert from "node:assert/strict";
import { workflowListOutput } from "../../../src/cli/render/json_schemas.ts";
import { findDaemon } from "../../../src/daemon/discovery.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { heardLater, within } from "../../support/workspace_fixture.ts";

long.test("every command gives up on a hanging daemon and says what to do; lists show what is on disk", async () => {
  // The bug was: all of them waited for ever, and a script that asked each minute piled up.
  await using workspace = await DaemonWorkspace.make();
  const { kernel } = await workspace.start();
  const waiting = workspace.nerve("workflow", "trigger", "slow", "--prompt", "600000", "--id", "long", "--wait");
  await workspace.reached("the run, and a signal", async () => {
    const { out } = await workspace.nerve("events", "--json");
    return /"run\.started".*"long"/.test(out) && out.includes('"sense.signal"');
  });
  Deno.kill(kernel, "SIGSTOP");
  try {
    const asking = [
      ["sense", "trigger", "ping", "--wait"],
      ["workflow", "kill", "long"],
      ["reload"],
      ["store", "archive"],
      ["events", "-f", "--json"],
    ];
    const [[waited, ...refused], [senses, workflows, why, doctor]] = await within(
      Promise.all([
        Promise.all([waiting, ...asking.map((args) => workspace.nerve(...args))]),
        Promise.all([
          workspace.nerve("sense", "list"),
          workspace.nerve("workflow", "list", "--json"),
          workspace.nerve("why", "--sense", "ping"),
          workspace.nerve("doctor"),
        ]),
      ]),
      "every command to give up",
    );
    assert.equal(waited?.code, 1);
    // The second message when the signal came between the run's start and its answer.
    assert.match(
      waited?.err ?? "",
      /(the run continues when the daemon runs again: nerve workflow inspect long|kill -CONT \d+ resumes it.*)\n$/,
    );
    for (const [at, { code, err }] of refused.entries()) {
      assert.equal(code, 1, asking[at]?.join(" "));
      assert.match(err, new RegExp(`the daemon \\(pid ${kernel}\\) was stopped by a signal`), asking[at]?.join(" "));
      assert.match(err, new RegExp(`kill -CONT ${kernel}`));
    }
    assert.match(senses.out, /ping .*signal.*\n[^]*from the databases alone: the daemon \(pid \d+\) was stopped/);
    const { daemon, problem, runs } = workflowListOutput.parse(JSON.parse(workflows.out));
    assert.deepEqual([daemon, problem?.includes("was stopped"), runs.items[0]?.runId], [false, true, "long"]);
    assert.deepEqual([why.code, /its current state is unknown/.test(why.out)], [0, true]);
    assert.match(
      doctor.out,
      new RegExp(`❌ socket: the daemon \\(pid ${kernel}\\) was stopped by a signal\n {3}kill -CONT`),
    );
  } finally {
    Deno.kill(kernel, "SIGCONT");
  }
  assert.equal((await workspace.nerve("workflow", "inspect", "long")).code, 0);
});

long.test("stop says what keeps a hanging daemon busy, and kills it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  assert.equal((await workspace.nerve("workflow", "trigger", "slow", "--id", "held", "--prompt", "60000")).code, 0);
  await workspace.reached("the role", () => /role begins/.test(workspace.textLog()));
  const stopping = heardLater(workspace.nerve("stop", "--timeout", "6s"));
  await workspace.reached("the stop", () => findDaemon(workspace.paths).supervised?.state === "stopping");
  Deno.kill(kernel, "SIGSTOP");
  const { code, out } = await stopping;
  assert.equal(code, 1);
  assert.match(out, new RegExp(`🔶 supervisor ${supervisor} waits for something`));
  assert.match(out, new RegExp(`🔶 kernel ${kernel} was stopped by a signal \\(SIGSTOP\\)`));
  assert.match(out, /🔶 workflow slow, process \d+ .*: run held after 0 rounds/);
  assert.match(out, new RegExp(`💥 killed \\(pid ${kernel}\\) after 6s; runs continue at the next start`));
  await workspace.nothingLeft();
  await workspace.start();
  await workspace.reached(
    "the run to go on",
    () => /role begins/.test(workspace.textLog().split("kernel.ready").at(-1)!),
  );
});

Deno.test("status reports a hanging daemon and exits 1 without waiting for ever", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel } = await workspace.start();
  Deno.kill(kernel, "SIGSTOP");
  const hanging = await workspace.nerve("status");
  assert.equal(hanging.code, 1);
  assert.match(hanging.out, new RegExp(`🔴 the daemon in .* does not answer \\(pid ${kernel}\\): nerve stop ends it`));
  Deno.kill(kernel, "SIGCONT");
  assert.equal((await workspace.nerve("status")).code, 0);
});
