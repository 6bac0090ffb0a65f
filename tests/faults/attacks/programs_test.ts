/**
 * A process in the hands of an attacker says that computes have ended, to have the kernel end somebody else's program.
 * Nothing but its own programs is in its reach, and no number of such messages keeps the kernel busy.
 */
import assert from "node:assert/strict";
import { hostile, HostileProcesses } from "../../support/hostile_processes.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const [env] = hostile.permissions.env;

Deno.test("a process ends no program of another unit, nor one that nobody marked, whatever it claims", async () => {
  const seconds = ownSeconds();
  using _processes = new HostileProcesses({
    bad: `
      await say({ t: "ready" });
      const { id } = await hearA("compute");
      const own = new Deno.Command("sleep", { args: ["${seconds}"], env: {
        NERVE_STARTED_BY: Deno.env.get("NERVE_STARTED_BY")!.replace(/\\.0\\.$/, ".7.bad"),
      } }).spawn();
      for (const aloneAt of [null, 0, -1e300, 1e300, Date.now(), Date.now() + 1e9]) {
        for (let work = 1; work < 400; work++) await say({ t: "programs_end", work, aloneAt });
      }
      await own.status;
      await say({ t: "outcome", id, outcome: { kind: "value", value: "ended my own" } });
      await hearA("end");`,
  });
  await using workspace = await startWorkspace({
    yaml: {
      senses: {
        bad: { permissions: { env: [env], run: ["sleep"] }, timeout: "60s" },
        victim: { permissions: { run: ["sleep"] }, timeout: "1h" },
        busy: {},
      },
    },
    senses: {
      bad: "export const compute = () => 1;",
      victim: `export const compute = async () =>
        ({ code: (await new Deno.Command("sleep", { args: ["${seconds}"] }).output()).code });`,
      busy: "export const compute = () => ({ fine: 1 });",
    },
  });
  const bystander = new Deno.Command("sleep", { args: [seconds], cwd: workspace.root }).spawn();
  const victim = workspace.payload("victim");
  const before = await untilRunning(seconds, 2);
  const bad = workspace.payload("bad");
  for (let computes = 0; computes < 20; computes++) assert.deepEqual(await workspace.payload("busy"), { fine: 1 });
  assert.equal(await bad, "ended my own");
  assert.deepEqual(runningWith(seconds), before);
  for (const pid of before) Deno.kill(pid, "SIGTERM");
  assert.deepEqual(await victim, { code: 143 });
  await bystander.status;
});

Deno.test("a process that may start no programs breaks the protocol when it says that some are to be ended", async () => {
  using _processes = new HostileProcesses({
    bad: `
      await say({ t: "ready" });
      await hearA("compute");
      await say({ t: "programs_end", work: 1, aloneAt: null });
      await hearA("never");`,
  });
  await using workspace = await startWorkspace({
    yaml: { senses: { bad: hostile } },
    senses: { bad: "export const compute = () => 1;" },
  });
  assert.deepEqual(await workspace.trigger("bad"), {
    kind: "group_down",
    message: "its process broke the protocol: it may start no programs",
  });
});
