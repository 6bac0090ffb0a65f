/** When processes start and end: real processes, on a clock that only moves when the test says so. */
import assert from "node:assert/strict";
import { backoffFirstMs, deathsMax, idleEndMs } from "../../../src/base/limits.ts";
import { long } from "../../support/long_form.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const counting = "let n = 0; export const compute = () => ({ n: ++n });";

const options = { senses: { a: counting } };

Deno.test("a process ends when it was not needed for a while, and the next use starts another", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const first = await units.ready("group:a");
  units.supervisor.release("group:a");
  await units.pass(first, "a", idleEndMs - 5_000);
  assert.equal(first.usable, true, "not before its time");
  await units.pass(first, "a", 5_000);
  const { end, isWanted } = await units.gone(first);
  assert.deepEqual({ kind: end.kind, isWanted }, { kind: "ended", isWanted: true });
  assert.match(end.message, /^idle/);
  assert.deepEqual(units.supervisor.view()[0]?.state, "stopped");
  const second = await units.ready("group:a");
  assert.notEqual(second.pid, first.pid);
  assert.deepEqual(await units.compute(second, "a"), { kind: "value", value: { n: 1 } }, "its memory is new");
  assert.equal(units.supervisor.view()[0]?.deaths, 0, "an idle end does not count as a death");
});

long.test("a process that is busy or needed soon is not ended as idle", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const process = await units.ready("group:a");
  units.due = units.clock.now() + idleEndMs + 20_000;
  await units.pass(process, "a", idleEndMs + 10_000);
  assert.equal(process.usable, true, "due within the same span: worth keeping");
  units.due = null;
  units.working = true;
  await units.pass(process, "a", 3 * idleEndMs);
  assert.equal(process.usable, true, "work is under way");
  units.working = false;
  units.supervisor.release("group:a");
  await units.pass(process, "a", idleEndMs);
  assert.equal((await units.gone(process)).isWanted, true);
});

Deno.test("keep_alive keeps a process running however long nothing is due", async () => {
  await using units = await SupervisedWorkspace.make({ ...options, yaml: { senses: { a: { keep_alive: true } } } });
  const process = await units.ready("group:a");
  units.supervisor.release("group:a");
  await units.pass(process, "a", 3 * idleEndMs);
  assert.equal(process.usable, true);
  assert.deepEqual(await units.compute(process, "a"), { kind: "value", value: { n: 19 } });
});

Deno.test("repeated deaths lengthen the backoff, then quarantine the unit; a reset forgets them", async () => {
  await using units = await SupervisedWorkspace.make(options);
  for (let death = 1; death <= deathsMax; death++) {
    const process = await units.ready("group:a");
    Deno.kill(process.pid ?? assert.fail("it has a process"), "SIGKILL");
    const { end, isWanted } = await units.gone(process);
    assert.deepEqual(end, { kind: "killed", message: "was killed from outside (SIGKILL)" });
    assert.equal(isWanted, false);
    assert.equal(units.findProcess("group:a"), null, "not before its backoff");
    if (death === deathsMax) break;
    const waitMs = backoffFirstMs * 2 ** (death - 1);
    await units.clock.tick(waitMs - 1);
    assert.equal(units.supervisor.view()[0]?.state, "backoff");
    assert.match(units.supervisor.downReasonOf("group:a"), /killed from outside.*starts again shortly/);
    await units.clock.tick(1);
    assert.equal(units.available, death);
  }
  assert.match(units.quarantines.join(), /^died 5 times in 60 s, the last time it was killed from outside/);
  assert.equal(units.supervisor.isQuarantined("group:a"), true);
  await units.clock.tick(3_600_000);
  assert.equal(units.findProcess("group:a"), null, "time alone does not lift it");
  assert.equal(units.supervisor.resetUnit("group:a"), true);
  assert.equal(units.supervisor.resetUnit("group:a"), false, "there is nothing left to lift");
  const process = await units.ready("group:a");
  assert.deepEqual(await units.compute(process, "a"), { kind: "value", value: { n: 1 } });
});

Deno.test("a replaced process drains: new work goes to a new one, and the old one ends when its work is done", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const old = await units.ready("group:a");
  units.working = true;
  units.supervisor.replaceProcess("group:a");
  const fresh = await units.ready("group:a");
  assert.notEqual(fresh.pid, old.pid);
  assert.deepEqual(await units.compute(old, "a"), { kind: "value", value: { n: 1 } }, "it still answers");
  units.working = false;
  units.supervisor.release("group:a");
  assert.equal((await units.gone(old)).end.message, "replaced by newer code");
  assert.deepEqual(await units.compute(fresh, "a"), { kind: "value", value: { n: 1 } });
});
