/** The memory that status shows of processes. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { MemoryUse } from "../../../src/process/memory_use.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { isFaster, loopStaysFree } from "../../support/watched_loop.ts";

Deno.test("private memory is a part of the resident memory, read at most once a second; a process that is gone has none", async () => {
  const clock = new FakeClock(),
    memory = new MemoryUse(clock),
    child = new Deno.Command("cat", { stdin: "piped", stdout: "piped" }).spawn();
  // Once it has answered it is up, and asks for no more memory.
  const writer = child.stdin.getWriter(), reader = child.stdout.getReader();
  await writer.write(new TextEncoder().encode("up\n"));
  assert.equal(new TextDecoder().decode((await reader.read()).value), "up\n");
  const { memoryBytes, privateBytes } = memory.of(child.pid);
  assert.ok(memoryBytes !== null && privateBytes !== null && privateBytes > 0 && privateBytes < memoryBytes);
  await writer.close();
  await reader.cancel();
  await child.status;
  assert.deepEqual(memory.of(child.pid), { memoryBytes, privateBytes });
  await clock.tick(1_000);
  assert.deepEqual([memory.of(child.pid), memory.of(null)], Array(2).fill({ memoryBytes: null, privateBytes: null }));
});

long.test("many processes are read in slices, once for all who ask within a second", async () => {
  const pids = Array.from({ length: 400 }, () => Deno.pid);
  let memory = new MemoryUse(systemClock);
  await loopStaysFree(1 / 2, async () => {
    memory = new MemoryUse(systemClock);
    await Promise.all([memory.refresh(pids), memory.refresh(pids)]);
  });
  assert.ok((memory.of(Deno.pid).privateBytes ?? 0) > 0);
  const clock = new FakeClock(), still = new MemoryUse(clock);
  await still.refresh(pids);
  await isFaster(() => still.refresh(pids), () => new MemoryUse(clock).refresh(pids));
});

Deno.test("while processes start, reading their memory takes the loop for a few milliseconds", () => {
  // Each read may wait for a process that maps its own memory, which is not measured: so the reads of a second are bounded by time.
  class SlowClock extends FakeClock {
    #now = 0;
    override monotonic(): number {
      return this.#now += 3;
    }
  }
  const memory = new MemoryUse(new SlowClock());
  const pids = Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name)).filter((pid) => pid > 0).slice(0, 20);
  const read = pids.filter((pid) => memory.of(pid).memoryBytes !== null);
  assert.ok(pids.length > 3 && read.length > 0 && read.length <= 2, `${read.length} of ${pids.length} were read`);
});
