/** Ending programs by their marks, on real processes. The bug would be: an unrelated one is ended, or one is missed. */
import assert from "node:assert/strict";
import { isAlive, type ProcessStat, readProcessStat } from "../../../src/base/process_id.ts";
import { markVariable } from "../../../src/base/program_mark.ts";
import { endPrograms } from "../../../src/base/program_sweep.ts";
import { long } from "../../support/long_form.ts";

function start(mark: string | null, program = "sleep", args = ["1000"]): Deno.ChildProcess {
  const env = mark === null ? {} : { [markVariable]: mark };
  return new Deno.Command(program, { args, env, stdout: "null" }).spawn();
}

const isCandidate = () => true;

Deno.test("endPrograms() ends what carries the mark, with what it starts meanwhile, and nobody else", async () => {
  const own = crypto.randomUUID();
  const targets = [start(own), start(own, "setsid", ["sleep", "1000"]), start(own, "sh", ["-c", "sleep 1000 & wait"])];
  // This program starts its successor all the time.
  targets.push(start(own, "sh", ["-c", "while :; do setsid sleep 1000 & sleep 0.01; done"]));
  const others = [start(null), start(`${own}x`), start(crypto.randomUUID())];
  const isTarget = (mark: string | null) => mark === own;
  const { ended, stuck } = await endPrograms({ isCandidate, isTarget, waitMs: 10_000 });
  assert.deepEqual(stuck, []);
  for (const { pid } of targets) assert.ok(ended.some((program) => program.pid === pid), String(pid));
  for (const { pid } of others) {
    assert.equal(isAlive({ pid, startTime: readProcessStat(pid)?.startTime ?? null }), true);
  }
  assert.deepEqual(await endPrograms({ isCandidate, isTarget, waitMs: 10_000 }), {
    ended: [],
    stuck: [],
    problem: null,
  });
  for (const child of others) child.kill("SIGKILL");
  await Promise.all([...targets, ...others].map((child) => child.status));
});

Deno.test("endPrograms() looks at no process that is no candidate", async () => {
  const own = crypto.randomUUID(), child = start(own), start0 = readProcessStat(child.pid)?.startTime;
  const isTarget = (mark: string | null) => mark === own;
  const older = ({ startTime }: ProcessStat) => Number(startTime) < Number(start0);
  assert.deepEqual(await endPrograms({ isCandidate: older, isTarget, waitMs: 100 }), {
    ended: [],
    stuck: [],
    problem: null,
  });
  const same = ({ startTime }: ProcessStat) => startTime === start0;
  assert.equal((await endPrograms({ isCandidate: same, isTarget, waitMs: 10_000 })).ended.length, 1);
  await child.status;
});

Deno.test("endPrograms() says what is still there when the time is up", async () => {
  const own = crypto.randomUUID(), child = start(own);
  const result = await endPrograms({ isCandidate, isTarget: (mark) => mark === own, waitMs: -1 });
  // The program may be gone already.
  assert.equal(result.ended.length + result.stuck.length, 1);
  assert.deepEqual([...result.ended, ...result.stuck].map(({ pid, command, mark }) => [pid, command, mark]), [
    [child.pid, "sleep", own],
  ]);
  await child.status;
});

// The bug was: on a busy machine the scan took all of the time, and the ended programs were not awaited.
long.test("endPrograms() waits for the end of what it has found, however long the look took", async () => {
  const own = crypto.randomUUID(), children = Array.from({ length: 20 }, () => start(own)), waitMs = 5_000;
  let isSlow = true;
  const isTarget = (mark: string | null) => {
    if (isSlow) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    isSlow = false;
    return mark === own;
  };
  const { ended, stuck } = await endPrograms({ isCandidate, isTarget, waitMs });
  assert.deepEqual([ended.length, stuck.length], [20, 0]);
  await Promise.all(children.map((child) => child.status));
});
