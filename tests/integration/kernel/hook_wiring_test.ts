/** Hooks through the whole kernel: from a request to the compute that answers it, across deaths, reloads and restarts. */
import assert from "node:assert/strict";
import { makeProof } from "../../../src/hooks/verify_delivery.ts";
import type { HookAnswer, HookDefinition } from "../../../src/protocol/hook.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const ci = `export const compute = ({ trigger }) =>
  ({ kind: trigger.kind, got: trigger.deliveries.map(({ hook, key, body, headers }) => [hook, key, body, headers["x-kind"]]) });`;
const secret = "hunter2-secret";

function yamlOf(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    env_file: ".env",
    listen: "127.0.0.1:0",
    senses: { ci: {} },
    reflexes: [{ sense: "ci", hook: "git" }],
    hooks: { git: { secret: "env GIT_SECRET", verify: "github" } },
    ...more,
  };
}

const proof: HookDefinition["proof"] = {
  kind: "hmac",
  hash: "sha256",
  header: "x-hub-signature-256",
  prefix: "sha256=",
  encoding: "hex",
};

async function startHooked(
  more: Record<string, unknown> = {},
  senses: Record<string, string> = {},
): Promise<WorkspaceFixture> {
  return await startWorkspace({
    yaml: yamlOf(more),
    senses: { ci, ...senses },
    files: { ".env": `GIT_SECRET=${secret}\n` },
  });
}

function deliver(workspace: WorkspaceFixture, value: unknown, id: string, with_ = secret): Promise<HookAnswer | null> {
  const body = new TextEncoder().encode(JSON.stringify(value));
  const headers = { "content-type": "application/json", "x-github-delivery": id, "x-kind": "push" };
  const proven = makeProof(proof, with_, { id, body, now: 0 });
  return workspace.kernel.api.hooks.receive("git", { headers: { ...headers, ...proven }, body });
}

/** What the sense told so far. */
function toldBy(workspace: WorkspaceFixture, sense = "ci"): { kind: string; got: unknown[] }[] {
  return workspace.events.flatMap((event) =>
    event.kind === "signal" && event.signal.sense === sense ? [event.signal.payload as { kind: string; got: [] }] : []
  );
}

async function untilTold(workspace: WorkspaceFixture, count: number, sense = "ci"): Promise<unknown[]> {
  const got = () => toldBy(workspace, sense).flatMap((each) => each.got);
  if (got().length < count) await workspace.waitFor(() => got().length >= count, `${count} deliveries to be told`);
  return got();
}

Deno.test("a delivery triggers its sense, which gets it, and is the cause of what the sense tells", async () => {
  await using workspace = await startHooked();
  const answer = await deliver(workspace, { ref: "main" }, "id-1");
  assert.equal(answer?.kind, "accepted");
  assert.deepEqual(await untilTold(workspace, 1), [["git", "id-1", { ref: "main" }, "push"]]);
  assert.equal(toldBy(workspace)[0]?.kind, "hook");
  await workspace.kernel.api.recorded();
  const [signal] = await workspace.rows({ type: "sense.signal" }),
    [row] = await workspace.rows({ type: "hook.delivery" });
  assert.deepEqual([signal?.causeId, row?.source, row?.refId], [row?.id, "hook:git", "git"]);
  assert.equal(answer?.kind === "accepted" && answer.id, row?.id);
  assert.deepEqual(workspace.kernel.api.hooks.list().items[0]?.waiting, 0);
});

Deno.test("every sense of a hook hears every delivery, also those that come while it computes", async () => {
  const slow = `let n = 0; export const compute = async ({ trigger, signal }) => {
    if (n++ === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    return { kind: trigger.kind, got: trigger.deliveries.map(({ key }) => key) };
  };`;
  const more = {
    senses: { ci: {}, slow: {} },
    reflexes: [{ sense: "ci", hook: "git" }, { sense: "slow", hook: "git" }],
  };
  await using workspace = await startHooked(more, { slow });
  const ids = Array.from({ length: 50 }, (_, n) => `id-${n}`);
  for (const id of ids) assert.equal((await deliver(workspace, { id }, id))?.kind, "accepted");
  assert.deepEqual(await untilTold(workspace, 50, "slow"), ids);
  assert.equal((await untilTold(workspace, 50)).length, 50);
  // What an earlier compute has heard starts no compute of its own.
  assert.deepEqual(toldBy(workspace, "slow").filter(({ got }) => got.length === 0), []);
});

long.test("a delivery that is known does nothing, also for the next kernel", async () => {
  await using workspace = await startHooked();
  assert.equal((await deliver(workspace, { n: 1 }, "id-1"))?.kind, "accepted");
  await untilTold(workspace, 1);
  const twice = await Promise.all([deliver(workspace, { n: 2 }, "id-2"), deliver(workspace, { n: 2 }, "id-2")]);
  assert.deepEqual(twice.map((each) => each?.kind), ["accepted", "repeated"]);
  await untilTold(workspace, 2);
  await workspace.stop();
  await workspace.start();
  assert.equal((await deliver(workspace, { n: 1 }, "id-1"))?.kind, "repeated");
  assert.equal((await deliver(workspace, { n: 2 }, "id-3"))?.kind, "repeated");
  assert.equal((await deliver(workspace, { n: 1 }, "id-1", "another-secret"))?.kind, "unproven");
  assert.equal((await workspace.rows({ type: "hook.delivery" })).length, 2);
});

long.test("what no compute has answered when the kernel ended is heard by the next one", async () => {
  const stuck = "export const compute = () => { throw new Error('not yet'); };\nthrow new Error('it does not load');";
  await using workspace = await startHooked({}, { ci: stuck });
  for (const id of ["a", "b", "c"]) assert.equal((await deliver(workspace, { id }, id))?.kind, "accepted");
  assert.equal(workspace.kernel.api.hooks.list().items[0]?.waiting, 3);
  await workspace.stop();
  workspace.write("senses/ci/index.ts", ci);
  await workspace.start();
  assert.deepEqual((await untilTold(workspace, 3)).map((each) => (each as string[])[1]), ["a", "b", "c"]);
});

long.test("a full backlog is refused until the sense computes again, also by the next kernel", async () => {
  const stuck = "throw new Error('it does not load');";
  const more = { hooks: { git: { secret: "env GIT_SECRET", verify: "github", backlog: 2 } } };
  await using workspace = await startHooked(more, { ci: stuck });
  assert.equal((await deliver(workspace, 1, "a"))?.kind, "accepted");
  assert.equal((await deliver(workspace, 2, "b"))?.kind, "accepted");
  assert.equal((await deliver(workspace, 3, "c"))?.kind, "backlogged");
  await workspace.stop();
  await workspace.start();
  assert.equal((await deliver(workspace, 3, "c"))?.kind, "backlogged");
  workspace.write("senses/ci/index.ts", ci);
  await workspace.kernel.api.reload();
  await workspace.trigger("ci");
  assert.equal((await deliver(workspace, 3, "c"))?.kind, "accepted");
});

Deno.test("the secret is masked in the row, in what the sense gets, and in problems", async () => {
  await using workspace = await startHooked();
  await deliver(workspace, { text: `it is ${secret}` }, "id-1");
  assert.deepEqual(await untilTold(workspace, 1), [["git", "id-1", { text: "it is [GIT_SECRET]" }, "push"]]);
  await deliver(workspace, {}, "id-2", "another-secret");
  await workspace.kernel.api.recorded();
  const rows = await workspace.rows({});
  assert.equal(JSON.stringify(rows).includes(secret), false);
  assert.equal(rows.filter(({ type }) => type === "hook.refused").length, 1);
  assert.equal(JSON.stringify(workspace.events).includes(secret), false);
});

long.test("a reload adds, changes and removes hooks, and moves the listener", async () => {
  await using workspace = await startHooked();
  const { hooks } = workspace.kernel.api;
  let changes = 0;
  hooks.onListenerChange(() => changes++);
  const next = yamlOf({
    listen: { address: "127.0.0.1:0", hosts: ["a.example"] },
    hooks: {
      git: { secret: "env OTHER", verify: "github" },
      more: { secret: "env GIT_SECRET", verify: "bearer" },
    },
  });
  workspace.write("nerve.yaml", JSON.stringify(next));
  const reply = await workspace.kernel.api.reload();
  assert.deepEqual(reply.changes, [
    { of: "hook:git", change: "changed" },
    { of: "hook:more", change: "added" },
    { of: "listen", change: "changed" },
  ]);
  assert.ok(changes > 0);
  assert.deepEqual(hooks.wantedListener()?.hosts, ["a.example"]);
  assert.deepEqual(hooks.list().items.map(({ name, problem }) => [name, problem]), [
    ["git", "its secret OTHER is not set"],
    ["more", "no sense computes for it"],
  ]);
  assert.equal((await deliver(workspace, {}, "x"))?.kind, "failed");
  workspace.write(".env", `GIT_SECRET=${secret}\nOTHER=${secret}-2\n`);
  await workspace.kernel.api.reload();
  assert.equal((await deliver(workspace, {}, "x", `${secret}-2`))?.kind, "accepted");
});

long.test("a paused sense keeps its deliveries, also for the next kernel, and computes once for them when it goes on", async () => {
  await using workspace = await startHooked();
  await workspace.kernel.api.pauses.pause("ci", {});
  for (const id of ["a", "b"]) assert.equal((await deliver(workspace, { id }, id))?.kind, "accepted");
  await workspace.stop();
  await workspace.start();
  assert.equal((await deliver(workspace, { id: "c" }, "c"))?.kind, "accepted");
  assert.equal(workspace.kernel.api.hooks.list().items[0]?.waiting, 3);
  assert.deepEqual(toldBy(workspace), []);
  await workspace.kernel.api.pauses.resume("ci");
  assert.deepEqual((await untilTold(workspace, 3)).map((each) => (each as string[])[1]), ["a", "b", "c"]);
  assert.deepEqual(toldBy(workspace).map(({ kind, got }) => [kind, got.length]), [["hook", 3]]);
  // It is awake again, and nothing is left to compute for.
  await deliver(workspace, { id: "d" }, "d");
  await untilTold(workspace, 4);
  assert.deepEqual(toldBy(workspace).map(({ got }) => got.length), [3, 1]);
  assert.deepEqual((await workspace.rows({ type: "sense.error" })).length, 0);
});
