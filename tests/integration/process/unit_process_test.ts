/** One process of a group: its start, its heartbeat. */
import assert from "node:assert/strict";
import { heartbeatMissesMax, heartbeatMs, processStartMaxMs } from "../../../src/base/limits.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const counting = "let n = 0; export const compute = () => ({ n: ++n });";

const options = { senses: { a: counting } };

Deno.test("a worker that blocks outside any compute misses its heartbeats and is killed as stuck", async () => {
  const blocking =
    "export const compute = () => { setTimeout(() => { console.log('now'); for (;;); }, 0); return 1; };";
  await using units = await SupervisedWorkspace.make({ senses: { a: blocking } });
  const process = await units.ready("group:a");
  await units.compute(process, "a");
  await units.until(() => units.output.includes("now"), "the loop to begin");
  await units.clock.tick(heartbeatMs * (heartbeatMissesMax + 1));
  const { end } = await units.gone(process);
  assert.deepEqual(end, { kind: "stuck", message: "did not answer for 15 s" });
});

Deno.test("a process that does not become ready in time ends with that reason", async () => {
  await using units = await SupervisedWorkspace.make(options);
  units.due = units.clock.now() + processStartMaxMs; // or it would be idle before that
  const process = units.process("group:a");
  await units.clock.tick(processStartMaxMs);
  const { end } = await units.gone(process);
  assert.deepEqual(end, { kind: "no_start", message: "did not become ready in time" });
});
