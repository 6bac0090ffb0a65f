/**
 * The throttle as a sense sees it: a compute starts when it is called, in a process that may have had to start first.
 * Computes began 2 ms apart at `throttle: 3s`, because the window counted from when they were handed over.
 */
import assert from "node:assert/strict";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const yaml = { senses: { slow: { throttle: "500ms" } } };

Deno.test("two computes begin no closer than their throttle, though the first one's process was slow to start", async () => {
  const slow = `await new Promise((resolve) => setTimeout(resolve, 700));
    export const compute = () => ({ at: performance.now() });`;
  await using workspace = await startWorkspace({ yaml, senses: { slow } });
  const [first, second] = await Promise.all([workspace.payload("slow"), workspace.payload("slow")]);
  const apart = Object(second).at - Object(first).at;
  assert.ok(apart >= 500, `they began ${apart} ms apart`);
});

Deno.test("a compute whose process died without a word counts as begun when it died", async () => {
  const quick = `export async function compute({ sqlite, log }) {
      sqlite.exec("create table if not exists begun (at)");
      const before = sqlite.prepare("select at from begun").get();
      sqlite.prepare("insert into begun values (?)").run(Date.now());
      if (before !== undefined) return { apart: Date.now() - before.at };
      log("info", "begun");
      await new Promise(() => {});
    }`;
  const slow = `await new Promise((resolve) => setTimeout(resolve, 400));\n${quick}`;
  await using workspace = await startWorkspace({ yaml, senses: { slow } });
  const died = workspace.trigger("slow"), next = workspace.payload("slow");
  await workspace.log("sense:slow", /^begun$/);
  workspace.write("senses/slow/index.ts", quick);
  Deno.kill(workspace.pid("slow"), "SIGKILL");
  assert.equal((await died).kind, "group_down");
  const { apart } = Object(await next);
  // The wall clock, which the two processes share, may be a little slower than the one that counts the window.
  assert.ok(apart >= 490, `they began ${apart} ms apart`);
});

Deno.test("a sense that tampers with its clock neither loses its answer nor its process", async () => {
  const senses = {
    throws: "performance.now = () => { throw new Error('no'); };\nexport const compute = () => 1;",
    lies: "performance.now = () => -1e9;\nDate.now = () => NaN;\nexport const compute = () => 2;",
  };
  await using workspace = await startWorkspace({ senses });
  assert.deepEqual([await workspace.payload("throws"), await workspace.payload("lies")], [1, 2]);
  assert.deepEqual([workspace.unit("throws").deaths, workspace.unit("lies").deaths], [0, 0]);
});
