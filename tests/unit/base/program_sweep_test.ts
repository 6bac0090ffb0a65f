/** Ending programs by their marks, on real processes. The bug would be: a stranger is ended, or one of ours is not. */
import assert from "node:assert/strict";
import { isAlive, readProcessStat } from "../../../src/base/process_id.ts";
import { markVariable } from "../../../src/base/program_mark.ts";
import { endPrograms } from "../../../src/base/program_sweep.ts";

function start(mark: string | null, program = "sleep", args = ["1000"]): Deno.ChildProcess {
  const env = mark === null ? {} : { [markVariable]: mark };
  return new Deno.Command(program, { args, env, stdout: "null" }).spawn();
}

Deno.test("endPrograms() ends what carries the mark, with what it starts meanwhile, and nobody else", async () => {
  const own = crypto.randomUUID();
  const targets = [start(own), start(own, "setsid", ["sleep", "1000"]), start(own, "sh", ["-c", "sleep 1000 & wait"])];
  // One that starts the next one whenever it is looked for.
  targets.push(start(own, "sh", ["-c", "while :; do setsid sleep 1000 & sleep 0.01; done"]));
  const others = [start(null), start(`${own}x`), start(crypto.randomUUID())];
  const isTarget = (mark: string | null) => mark === own;
  const { ended, stuck } = await endPrograms({ isTarget, since: 0, waitMs: 10_000 });
  assert.deepEqual(stuck, []);
  for (const { pid } of targets) assert.ok(ended.some((program) => program.pid === pid), String(pid));
  for (const { pid } of others) {
    assert.equal(isAlive({ pid, startTime: readProcessStat(pid)?.startTime ?? null }), true);
  }
  assert.deepEqual(await endPrograms({ isTarget, since: 0, waitMs: 10_000 }), { ended: [], stuck: [], problem: null });
  for (const child of others) child.kill("SIGKILL");
  await Promise.all([...targets, ...others].map((child) => child.status));
});

Deno.test("endPrograms() looks at no process that is older than asked", async () => {
  const own = crypto.randomUUID(), child = start(own), since = Number(readProcessStat(child.pid)?.startTime) + 1;
  const isTarget = (mark: string | null) => mark === own;
  assert.deepEqual(await endPrograms({ isTarget, since, waitMs: 100 }), { ended: [], stuck: [], problem: null });
  assert.equal((await endPrograms({ isTarget, since: since - 1, waitMs: 10_000 })).ended.length, 1);
  await child.status;
});

Deno.test("endPrograms() says what is still there when the time is up", async () => {
  const own = crypto.randomUUID(), child = start(own);
  const result = await endPrograms({ isTarget: (mark) => mark === own, since: 0, waitMs: -1 });
  // It may be gone already.
  assert.equal(result.ended.length + result.stuck.length, 1);
  assert.deepEqual([...result.ended, ...result.stuck].map(({ pid, command, mark }) => [pid, command, mark]), [
    [child.pid, "sleep", own],
  ]);
  await child.status;
});
