/** The memory that status shows of processes. */
import assert from "node:assert/strict";
import { MemoryUse } from "../../../src/process/memory_use.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("private memory is a part of the resident memory, read at most once a second; a process that is gone has none", async () => {
  const clock = new FakeClock(),
    memory = new MemoryUse(clock),
    child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const { memoryBytes, privateBytes } = memory.of(child.pid);
  assert.ok(memoryBytes !== null && privateBytes !== null && privateBytes > 0 && privateBytes < memoryBytes);
  child.kill("SIGKILL");
  await child.status;
  assert.deepEqual(memory.of(child.pid), { memoryBytes, privateBytes });
  await clock.tick(1_000);
  assert.deepEqual([memory.of(child.pid), memory.of(null)], Array(2).fill({ memoryBytes: null, privateBytes: null }));
});
