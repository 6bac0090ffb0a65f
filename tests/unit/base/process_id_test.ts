/** Which process a pid refers to, on real processes. */
import assert from "node:assert/strict";
import { isAlive, readOwnProcessId, readProcessStat } from "../../../src/base/process_id.ts";
import { copyProgram } from "../../support/programs.ts";

Deno.test("isAlive() distinguishes a process from a later one with the same pid", async () => {
  // The bug would be: `stop` signals an unrelated process that has got the pid of a daemon that died long ago.
  const own = readOwnProcessId();
  assert.equal(isAlive(own), true);
  assert.equal(isAlive({ ...own, startTime: String(Number(own.startTime) - 1) }), false);
  // As in a truncated lock file, or one that came with a workspace from a system without /proc.
  assert.equal(isAlive({ ...own, startTime: null }), false);
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const stat = readProcessStat(child.pid);
  assert.equal(stat?.parent, Deno.pid);
  const id = { pid: child.pid, startTime: stat.startTime };
  assert.equal(isAlive(id), true);
  child.kill("SIGKILL");
  await child.status;
  assert.equal(isAlive(id), false);
});

Deno.test("readProcessStat() reads past a name full of brackets and spaces", async () => {
  const folder = await Deno.makeTempDir(), path = `${folder}/a) S 1 (b`;
  copyProgram("/bin/sleep", path);
  const child = new Deno.Command(path, { args: ["60"] }).spawn();
  try {
    assert.equal(readProcessStat(child.pid)?.parent, Deno.pid);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});
