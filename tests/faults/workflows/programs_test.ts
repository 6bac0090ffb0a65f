/** The daemon dies, alone or with everything but the programs: none of them goes on beside the run's next attempt. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { steps } from "../../support/workflow_life.ts";
import {
  makeWorkspace,
  noProcessIn,
  processesIn,
  within,
  type WorkspaceFixture,
} from "../../support/workspace_fixture.ts";

async function make(seconds: string): Promise<WorkspaceFixture> {
  const shell = { permissions: { run: ["sh"] } };
  const script = `sleep ${seconds} & setsid sleep ${seconds} & wait`;
  return await makeWorkspace({
    yaml: { workflows: { w: shell } },
    workflows: {
      w: steps(`work: async ({ start }) => {
        if (start.prompt === "work") await new Deno.Command("sh", { args: ["-c", "${script}"] }).output();
        return { content: "", meta: {} };
      }`),
    },
  });
}

Deno.test("kill -9 of the daemon ends the programs of its runs", async () => {
  const seconds = ownSeconds();
  await using workspace = await make(seconds);
  const daemon = await Daemon.start(workspace.paths);
  await daemon.client.startRun("w", { runId: "a", prompt: "work" });
  await untilRunning(seconds, 2);
  await daemon.kill();
  await untilRunning(seconds, 0);
  await noProcessIn(workspace.root);
});

long.test("what outlived the daemon and its processes is ended when the next one starts, and said", async () => {
  const seconds = ownSeconds(), other = ownSeconds();
  await using workspace = await make(seconds);
  const daemon = await Daemon.start(workspace.paths);
  await daemon.client.startRun("w", { runId: "a", prompt: "work" });
  const programs = await untilRunning(seconds, 2);
  // A bystander in the same folder, which nobody marked.
  const bystander = new Deno.Command("sleep", { args: [other], cwd: workspace.root }).spawn();
  const shells = programs.map((pid) =>
    Number(/^PPid:\t(\d+)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1])
  );
  const units = processesIn(workspace.root).filter((pid) =>
    pid !== daemon.pid && pid !== bystander.pid && !programs.includes(pid) && !shells.includes(pid)
  );
  assert.equal(units.length, 1, "the workflow's process");
  // Stopped first: the process must not notice that the daemon dies.
  for (const pid of units) Deno.kill(pid, "SIGSTOP");
  await daemon.kill();
  for (const pid of units) Deno.kill(pid, "SIGKILL");
  assert.equal(runningWith(seconds).length, 2);
  const next = await Daemon.start(workspace.paths);
  assert.deepEqual(runningWith(seconds).filter((pid) => programs.includes(pid)), []);
  assert.equal(runningWith(other).length, 1);
  const said = next.client.logs({ source: "workflow:w", type: "group.said" });
  const [row] = await within(said, "the log");
  assert.match(JSON.stringify(row?.payload), /ended what role work of workflow w left running: .*sleep \(pid \d+\)/);
  await next.kill();
  bystander.kill("SIGKILL");
  await bystander.status;
  await untilRunning(seconds, 0);
});
