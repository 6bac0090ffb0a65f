/** Memory: a group that takes too much is ended, distinguished from other deaths, and costs no other group. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const little = { memory: "64MiB" };

long.test("a heap over the group's limit ends the process as out of memory", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { hungry: {}, other: {} }, groups: { hungry: little } },
    senses: {
      hungry: `export function compute() {
        const kept: unknown[] = [];
        for (let n = 0;; n++) kept.push({ n, text: "x".repeat(10) + n, list: [n, n + 1] });
      }`,
      other: "export const compute = () => 1;",
    },
  });
  const result = await workspace.trigger("hungry");
  assert.match(result.kind === "group_down" ? result.message : "", /ran out of its memory limit \(JavaScript heap\)/);
  const [row] = await workspace.rows({ source: "group:hungry", type: "group.died" });
  assert.equal(Object(row?.payload).end, "out_of_memory");
  assert.equal(await workspace.payload("other"), 1);
});

Deno.test("native buffers, which the heap's limit does not see, end the process at the group's memory limit", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { hungry: {}, other: {} }, groups: { hungry: little } },
    senses: {
      hungry: `const kept: Uint8Array[] = [];
      export async function compute() {
        for (let n = 0; n < 40; n++) {
          kept.push(new Uint8Array(8 * 2 ** 20).fill(n));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await new Promise(() => {});
      }`,
      other: "export const compute = () => 1;",
    },
  });
  const result = await workspace.trigger("hungry");
  assert.match(
    result.kind === "group_down" ? result.message : "",
    /used \d+\.\d MiB in all, over its limit of 64\.0 MiB and the runtime's 96\.0 MiB/,
  );
  const [row] = await workspace.rows({ source: "group:hungry", type: "group.died" });
  assert.equal(Object(row?.payload).end, "memory_limit");
  assert.equal(await workspace.payload("other"), 1);
});

long.test("a kill, an abort from outside and running out of memory are distinguished", async () => {
  await using workspace = await startWorkspace({
    senses: { a: "export const compute = () => new Promise(() => {});", b: "export const compute = () => 1;" },
  });
  for (
    const [signal, end, expected] of [["SIGKILL", "killed", /SIGKILL/], ["SIGABRT", "aborted", /SIGABRT/]] as const
  ) {
    const from = workspace.events.length, computing = workspace.trigger("a");
    // Not its event: it may have been ready before.
    while (workspace.unit("a").state !== "running") await workspace.payload("b");
    Deno.kill(workspace.pid("a"), signal);
    const result = await computing;
    assert.match(result.kind === "group_down" ? result.message : "", expected);
    await workspace.change("group:a", "died", from);
    const [row] = await workspace.rows({ source: "group:a", type: "group.died", order: "desc", limit: 1 });
    assert.equal(Object(row?.payload).end, end);
    assert.equal(await workspace.payload("b"), 1);
    while (workspace.unit("a").state === "backoff") await workspace.payload("b");
  }
});

long.test("a workflow that goes on computing when its run has ended is told, and ended; a role may compute", async () => {
  // In threads, which get their share of a busy machine each.
  const loop = `const parameters = { name: "PBKDF2", hash: "SHA-512", salt: new Uint8Array(8), iterations: 1_000_000 };
    const key = await crypto.subtle.importKey("raw", new Uint8Array(32), "PBKDF2", false, ["deriveBits"]);
    const again = (): Promise<void> => crypto.subtle.deriveBits(parameters, key, 256).then(again);`;
  await using workspace = await startWorkspace({
    workflows: {
      lingers: `import { defineWorkflow, END } from "nerve";
        ${loop}
        const one = () => (Array.from({ length: 16 }, again), { content: "done", meta: {} });
        export default defineWorkflow({ roles: { one }, moderator: ({ messages }) => messages.length === 0 ? "one" : END });`,
    },
  });
  const { runId } = await workspace.kernel.startWorkflow("lingers");
  await workspace.run("completed");
  await workspace.change("workflow:lingers", "died");
  const [row] = await workspace.rows({ source: "workflow:lingers", type: "group.died" });
  assert.match(
    JSON.stringify(row?.payload),
    /used 6 s of processor time outside of any compute or role|did not answer/,
  );
  const said = JSON.stringify(await workspace.rows({ source: "workflow:lingers", type: "group.said" }));
  assert.match(said, /uses a whole core outside of any compute or role/);
  assert.ok(runId !== "");
});
