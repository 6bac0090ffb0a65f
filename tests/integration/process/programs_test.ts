/**
 * Programs that senses and roles start: they end with the compute or attempt that started them. When this breaks, a
 * killed role's shell works on, and its next attempt works beside it.
 */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { leaveBehind, ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const shell = { permissions: { run: ["sh"] } };
/** TypeScript: waits for a shell, as its author would. */
const runShell = `const runShell = async (script: string, options: Deno.CommandOptions = {}) =>
  (await new Deno.Command("sh", { args: ["-c", script], stdout: "null", ...options }).spawn().status).code;
`;

Deno.test("what a role left running is gone when its run has ended, whether it returned or threw", async () => {
  const seconds = ownSeconds(), leave = JSON.stringify(leaveBehind(seconds) + " exit 0");
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: shell } },
    workflows: {
      w: runShell + steps(`
        returns: async () => ({ content: String(await runShell(${leave})), meta: {} }),
        throws: async () => { await runShell(${leave}); throw new Error("no"); }`),
    },
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  const run = await runEnd(workspace, "a");
  assert.deepEqual([run.status, run.rounds], ["failed", 1]);
  // One has neither mark nor session left to know it by while it is young; it goes with the process at the latest.
  assert.ok(runningWith(seconds).length <= 2, "only those without a mark are left");
  await workspace.log("workflow:w", /ended what role returns of workflow w left running: (sleep|setsid)/);
  await workspace.stop();
  await untilRunning(seconds, 0);
});

Deno.test("a killed run's programs are gone, also those that its signal does not reach", async () => {
  const seconds = ownSeconds();
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: shell } },
    workflows: {
      w: runShell + steps(`long: async ({ signal }) => {
        await runShell(${
        JSON.stringify(`${leaveBehind(seconds)} sleep 0.1; sleep ${seconds}; echo never`)
      }, { signal });
        signal.throwIfAborted();
        return { content: "", meta: {} };
      }`),
    },
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await untilRunning(seconds, 4);
  await workspace.kernel.api.killRun("a", null);
  await untilRunning(seconds, 0);
});

long.test("no attempt begins while a program of the one before runs", async () => {
  const seconds = ownSeconds();
  // Whatever of an earlier attempt is alive is noted in the file; Landlock would keep the shell from looking.
  const script = `for pid in $(cat pids 2>/dev/null); do
      case "$(cut -d' ' -f3 /proc/$pid/stat 2>/dev/null)" in ""|Z|X) ;; *) echo $pid >> alive ;; esac
    done
    sleep ${seconds} & echo $! >> pids
    setsid sleep ${seconds} & echo $! >> pids
    wait`;
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { permissions: { ...shell.permissions, unconfined: true } } } },
    workflows: {
      w: runShell + steps(`timed: {
        timeout: "1s", retry: { attempts: 3, backoff: "10ms" },
        run: async ({ signal }) => {
          await runShell(${JSON.stringify(script)}, { signal });
          return { content: "", meta: {} };
        },
      }`),
    },
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "failed");
  assert.deepEqual(runningWith(seconds), []);
  assert.equal((await rowsOf(workspace, "a", "run.attempt_failed")).length, 3);
  // Two lines for each attempt; on a busy machine one may have been over before it wrote them.
  assert.match(Deno.readTextFileSync(`${workspace.root}/pids`), /^(\d+\n){3,6}$/);
  assert.throws(() => Deno.readTextFileSync(`${workspace.root}/alive`), Deno.errors.NotFound);
});

long.test("a compute's programs end with it: after a value, an error, a timeout, and the end of its process", async () => {
  const seconds = ownSeconds(), leave = JSON.stringify(leaveBehind(seconds));
  await using workspace = await startWorkspace({
    yaml: {
      senses: {
        value: shell,
        error: shell,
        sync: shell,
        timeout: { ...shell, timeout: "300ms" },
        ignores: { ...shell, timeout: "300ms", grace_period: "100ms" },
        dies: { ...shell, timeout: "300ms", grace_period: "100ms" },
      },
    },
    senses: {
      value: `${runShell} export const compute = async () => ({ code: await runShell(${leave}) });`,
      error: `${runShell} export const compute = async () => { await runShell(${leave}); throw new Error("no"); };`,
      sync: `export const compute = () =>
        ({ code: new Deno.Command("sh", { args: ["-c", ${leave}.replaceAll("&", ">/dev/null 2>&1 &")] }).outputSync().code });`,
      timeout: `${runShell} export const compute = async ({ signal }) =>
        { await runShell(${leave} + " wait", { signal }); signal.throwIfAborted(); };`,
      ignores: `${runShell} export const compute = async () => { await runShell(${leave} + " wait"); };`,
      dies: `${runShell} export const compute = async () => { await runShell(${leave}); for (;;); };`,
    },
  });
  const outcomes = ["signal", "error", "signal", "timeout", "timeout", "timeout"];
  for (const [index, sense] of ["value", "error", "sync", "timeout", "ignores", "dies"].entries()) {
    const { kind } = await workspace.trigger(sense);
    assert.equal(kind, outcomes[index], sense);
    const left = runningWith(seconds).length;
    assert.ok(left <= (index < 4 ? index + 1 : 4), `${sense}: ${left} are left, more than those without a mark`);
  }
  await workspace.stop();
  await untilRunning(seconds, 0);
});

long.test("what has left its mark behind goes when nothing else of its process is under way", async () => {
  const seconds = ownSeconds();
  await using workspace = await startWorkspace({
    yaml: { senses: { a: shell } },
    senses: {
      a: `${runShell} export const compute = async () => ({
        code: await runShell("(env -i PATH=$PATH sleep ${seconds} &) ; sleep 0.3"),
      });`,
    },
  });
  await workspace.payload("a");
  assert.deepEqual(runningWith(seconds), []);
});

long.test("a program of a module's top level lives as long as its process, and ends with it", async () => {
  const seconds = ownSeconds();
  await using workspace = await startWorkspace({
    yaml: { senses: { a: shell } },
    senses: {
      a: `${runShell} void runShell("setsid sleep ${seconds}");
        export const compute = async () => ({ code: await runShell("exit 3") });`,
    },
  });
  for (let computes = 0; computes < 3; computes++) assert.deepEqual(await workspace.payload("a"), { code: 3 });
  await untilRunning(seconds, 1);
  await workspace.stop();
  await untilRunning(seconds, 0);
});

Deno.test("a program that is started after its compute has ended is refused", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { a: shell } },
    senses: {
      a: `${runShell}
        let late = Promise.resolve("nothing yet");
        let wake = () => {};
        export const compute = async () => {
          wake();
          const before = await late;
          const woken = new Promise<void>((resolve) => wake = resolve);
          late = woken.then(() => runShell("exit 0")).then(String, (thrown) => String(thrown));
          return { before };
        };`,
    },
  });
  assert.deepEqual(await workspace.payload("a"), { before: "nothing yet" });
  const { before } = await workspace.payload("a") as { before: string };
  assert.match(before, /^NotCapable: sh is not started: the compute or attempt that starts it has ended$/);
});

long.test("siblings keep their programs when one compute of their process ends", async () => {
  const seconds = ownSeconds();
  await using workspace = await startWorkspace({
    yaml: { senses: { long: { group: "g", ...shell }, short: { group: "g", ...shell } } },
    senses: {
      long:
        `${runShell} export const compute = async () => ({ code: await runShell("sleep ${seconds} & echo $! > pid; wait $!") });`,
      short: `${runShell} export const compute = async () => ({ code: await runShell("sleep ${seconds} & exit 5") });`,
    },
  });
  const long = workspace.payload("long");
  const [pid] = await untilRunning(seconds, 1);
  for (let computes = 0; computes < 3; computes++) assert.deepEqual(await workspace.payload("short"), { code: 5 });
  assert.deepEqual(runningWith(seconds), [pid]);
  new Deno.Command("kill", { args: [String(pid)] }).outputSync();
  assert.deepEqual(await long, { code: 143 });
});
