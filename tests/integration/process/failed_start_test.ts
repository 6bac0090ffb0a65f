/**
 * Starts that fail by no fault of a unit's code: no socket, no descriptor, no process. The bug was: each counted as a
 * death, five of them quarantined every unit, and nothing lifted that when the cause was gone.
 */
import assert from "node:assert/strict";
import { backoffMaxMs, deathsMax } from "../../../src/base/limits.ts";
import { long } from "../../support/long_form.ts";
import { fromFileUrl, join } from "../../support/paths.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const options = { senses: { a: "export const compute = () => 1;" } };

function viewOf(units: SupervisedWorkspace) {
  const [unit] = units.supervisor.view();
  assert.ok(unit !== undefined);
  return unit;
}

/** A file where a folder should be, which even root cannot use. */
function block(folder: string): void {
  Deno.mkdirSync(join(folder, ".."), { recursive: true });
  Deno.writeTextFileSync(folder, "");
}

Deno.test("a process starts with its socket in data/ while the user's runtime folder is gone", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const { runtimeFolder, data } = units.paths;
  block(runtimeFolder);
  const process = await units.ready("group:a");
  assert.equal((await units.compute(process, "a")).kind, "value");
  // The folder of its temporary files lies beside it, as long as it runs.
  const sockets = [...Deno.readDirSync(join(data, "run"))].filter(({ isDirectory }) => !isDirectory);
  assert.deepEqual(sockets, [], "a socket is left");
  assert.equal((Deno.statSync(join(data, "run")).mode ?? 0) & 0o777, 0o700);
  Deno.removeSync(runtimeFolder);
});

Deno.test("without any folder for its socket a unit waits, says why, and starts when there is one", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const { runtimeFolder, data } = units.paths;
  block(runtimeFolder);
  block(join(data, "run"));
  for (let attempt = 1; attempt <= deathsMax * 3; attempt++) {
    await units.gone(units.process("group:a"));
    assert.equal(units.findProcess("group:a"), null, "not before its backoff");
    assert.match(units.notStarted.at(-1) ?? "", /^could not be started: .*is not a folder/);
    const { state, reason, deaths } = viewOf(units);
    assert.deepEqual([state, deaths], ["backoff", 0]);
    assert.match(reason ?? "", /is not a folder/);
    await units.clock.tick(backoffMaxMs);
    assert.equal(units.available, attempt);
    // The bug was: from its backoff's end until somebody needed it, a unit had no reason.
    assert.equal(viewOf(units).state, "stopped");
    assert.match(viewOf(units).reason ?? "", /is not a folder/);
  }
  assert.deepEqual(units.quarantines, []);
  Deno.removeSync(runtimeFolder);
  await units.ready("group:a");
  assert.equal(viewOf(units).reason, null);
});

Deno.test("a process that dies before it loads any code is no death of that code", async () => {
  await using units = await SupervisedWorkspace.make(options);
  for (let attempt = 1; attempt <= deathsMax + 1; attempt++) {
    const process = units.process("group:a");
    Deno.kill(process.pid ?? assert.fail("it has begun"), "SIGKILL");
    const { end } = await units.gone(process);
    assert.deepEqual(end, {
      kind: "no_start",
      message: "was killed from outside (SIGKILL), before it loaded any code",
    });
    await units.clock.tick(backoffMaxMs);
  }
  assert.deepEqual([viewOf(units).deaths, units.quarantines], [0, []]);
  await units.ready("group:a");
});

long.test("a kernel without free descriptors quarantines nothing, names the cause, and goes on when there are some", async () => {
  const script = fromFileUrl(new URL("./without_descriptors.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n 200; exec "$0" run -A --quiet --no-prompt --cached-only --no-check "$1"`,
      Deno.execPath(),
      script,
    ],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, text(stderr));
  const { reasons, quarantines, deaths, later } = JSON.parse(text(stdout));
  for (const reason of reasons) assert.match(reason, /too many files are open \(raise the limit: ulimit -n\)/);
  assert.deepEqual([quarantines, deaths, later], [[], 0, "value"]);
});
