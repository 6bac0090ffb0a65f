/** Which of many processes start when: real processes, on a clock that only moves when the test says so. */
import assert from "node:assert/strict";
import { processStartsMax, startSlotMaxMs } from "../../../src/base/limits.ts";
import type { UnitProcess } from "../../../src/process/unit_process.ts";
import type { UnitKey } from "../../../src/protocol/unit.ts";
import { long } from "../../support/long_form.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const counting = "let n = 0; export const compute = () => ({ n: ++n });";
const names = Array.from({ length: processStartsMax + 3 }, (_, index) => `s${index}`);
const options = { senses: Object.fromEntries(names.map((name) => [name, counting])) };
const keyOf = (name: string | undefined): UnitKey => `group:${name ?? assert.fail("there are more senses")}`;

function startAll(units: SupervisedWorkspace): UnitProcess[] {
  return names.map((name, index) =>
    units.findProcess(keyOf(name), { asked: false, dueAt: index }) ?? assert.fail(name)
  );
}

Deno.test("a bounded number of processes start at a time, in order; work for the others waits and is done", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const processes = startAll(units), last = processes.at(-1) ?? assert.fail();
  assert.deepEqual(processes.map(({ pid }) => pid !== null), names.map((_, index) => index < processStartsMax));
  const states = names.map((_, index) => index < processStartsMax ? "starting" : "waiting");
  assert.deepEqual(units.supervisor.view().map(({ state }) => state), states);
  // A person asks for the last of them.
  units.findProcess(keyOf(names.at(-1)), { asked: true, dueAt: 1_000 });
  const outcome = units.compute(last, names.at(-1) ?? "");
  const starting = () => processes.filter(({ pid, ready, usable }) => pid !== null && usable && !ready).length;
  await units.until(() => {
    assert.ok(starting() <= processStartsMax);
    return processes.some(({ ready }) => ready);
  }, "the first to be ready");
  assert.notEqual(last.pid, null, "what a person asked for is next");
  assert.deepEqual(await outcome, { kind: "value", value: { n: 1 } });
  await units.until(() => {
    assert.ok(starting() <= processStartsMax);
    return processes.every(({ ready }) => ready);
  }, "all of them to be ready");
});

long.test("processes that hang in their start hold up the others for a while only", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const processes = startAll(units), hung = processes.slice(0, processStartsMax), next = processes[processStartsMax];
  for (const { pid } of hung) Deno.kill(pid ?? assert.fail("it has begun"), "SIGSTOP");
  assert.equal(next?.pid, null);
  await units.clock.tick(startSlotMaxMs - 1);
  assert.equal(next?.pid, null);
  await units.clock.tick(1);
  await units.until(() => processes.slice(processStartsMax).every(({ ready }) => ready), "the others to be ready");
  assert.ok(hung.every(({ usable, ready }) => usable && !ready));
  for (const { pid } of hung) Deno.kill(pid ?? assert.fail(), "SIGCONT");
  await units.until(() => processes.every(({ ready }) => ready), "all of them to be ready");
});

Deno.test("a unit that is replaced or removed while it waits for its start ends without one", async () => {
  await using units = await SupervisedWorkspace.make(options);
  const last = startAll(units).at(-1) ?? assert.fail();
  units.supervisor.removeUnit(keyOf(names.at(-1)));
  const { end, isWanted, pid } = await units.gone(last);
  assert.deepEqual({ kind: end.kind, isWanted, pid }, { kind: "ended", isWanted: true, pid: null });
});
