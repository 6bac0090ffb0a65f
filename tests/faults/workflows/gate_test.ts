/**
 * Gates in real processes, and deaths of the daemon around a decision: what the bug would look like is a decision without
 * its message, a message without the move of its run, two decisions, or one that was told and is lost.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import { runCli } from "../../../src/cli/app.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { isLong, long, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { rowsOf, runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace, startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

/** Plans, asks, and does what was decided. */
const cleanup = `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({
  roles: {
    plan: () => ({ content: "3 images unused", meta: { count: 3 } }),
    ask: gate({ title: ({ messages }) => "Remove " + messages[0]?.meta.count + " images?", body: "- a\\n- b" }),
    prune: ({ messages }) => ({ content: "did " + messages[1]?.meta.decision, meta: {} }),
  },
  moderator: ({ messages }) => (["plan", "ask", "prune"] as const)[messages.length] ?? END,
});
`;
const settings = { workflows: { w: { concurrency: 100 } } };

async function asks(workspace: WorkspaceFixture, id: string): Promise<string> {
  for (;;) {
    const asked = workspace.kernel.api.approval(id);
    if (asked !== null) return asked.digest;
    await delay(systemClock, 5);
  }
}

Deno.test("a cleanup asks first: nerve approvals shows what, nerve approve lets it go on", async () => {
  await using workspace = await startWorkspace({ yaml: settings, workflows: { w: cleanup } });
  await workspace.kernel.startWorkflow("w", { runId: "r" });
  await within(asks(workspace, "r:ask::1"), "the request");
  const { api } = workspace.kernel;
  assert.equal(api.run("r")?.status, "waiting");
  assert.deepEqual(api.health().approvals.open, 1);
  const digest = await asks(workspace, "r:ask::1");
  const reply = await api.decide("r:ask::1", { option: "approve", digest, token: "t", by: "ada" });
  assert.equal(reply.approval.state, "approved");
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  assert.deepEqual(api.records.messages("r", {}).map(({ content }) => content), [
    "3 images unused",
    "approve (by ada)",
    "did approve",
  ]);
  assert.equal((await rowsOf(workspace, "r", "approval.decided")).length, 1);
  const io = new CapturedIo({ cwd: workspace.root });
  await workspace.stop();
  assert.equal(await runCli(["store", "verify", "--json"], io), 0, io.out);
});

long.test("a title of 10 MB, one that throws and one that loops end their run, and nothing is asked", async () => {
  const title = (text: string) => cleanup.replace(/title: .*, body/, `title: () => ${text}, body`);
  await using workspace = await startWorkspace({
    clock: fastClock(5),
    yaml: { workflows: { big: {}, throws: {}, loops: {} } },
    workflows: {
      big: title('"x".repeat(10_000_000)'),
      throws: title('{ throw new Error("no title"); }'),
      loops: title("{ for (;;); }"),
    },
  });
  const ends = {
    big: ["failed", 1, /^role ask failed in round 2: its title is longer than 500 characters$/],
    throws: ["failed", 1, /^role ask failed in round 2: .*no title/],
    loops: ["crashed", 255, /did not answer/],
  } as const;
  for (const name of Object.keys(ends)) await workspace.kernel.startWorkflow(name, { runId: name });
  for (const [name, [status, exitCode, reason]] of Object.entries(ends)) {
    const run = await runEnd(workspace, name);
    assert.deepEqual([run.status, run.exitCode], [status, exitCode], run.reason ?? "");
    assert.match(String(run.reason), reason);
  }
  assert.deepEqual(workspace.kernel.api.approvals({ all: true, limit: 9, offset: 0 }).items, []);
});

faultTest("kill -9 at any point of a decision: decided once or not at all, and what was told is kept", async (seed) => {
  const random = randomFrom(seed);
  const workspace = await makeWorkspace({ yaml: settings, workflows: { w: cleanup } });
  await using _ = workspace;
  let daemon = await Daemon.start(workspace.paths);
  const ids = Array.from({ length: isLong ? 20 : 8 }, (_, n) => `r${n}`), told = new Map<string, string>();
  try {
    for (const id of ids) await daemon.client.startRun("w", { runId: id });
    for (const id of ids) {
      const request = `${id}:ask::1`, { digest } = await waitForRequest(workspace, request);
      const decide = (option: string, token: string) =>
        daemon.client.decide(request, { option, digest, token, by: token }).then(({ approval }) => {
          const before = told.get(id);
          assert.ok(before === undefined || before === approval.decision, `${id} was told two decisions`);
          told.set(id, approval.decision ?? "");
        }).catch((thrown) => {
          if (!(thrown instanceof NerveError)) throw thrown;
        });
      const both = [decide("approve", "ada"), decide("reject", "bob")];
      await delay(systemClock, random() * 8);
      await daemon.kill();
      await Promise.all(both);
      daemon = await Daemon.start(workspace.paths);
      // A client that got no answer asks again, with the same token.
      await Promise.all([decide("approve", "ada"), decide("reject", "bob")]);
      assert.ok(told.has(id), `${id} is decided. ${repeatedBy(seed)}`);
    }
    for (const id of ids) await within(daemon.client.run(id, true), `the end of ${id}`, () => daemon.output);
  } finally {
    await daemon.kill();
  }
  judge(workspace, told);
}, scaled);

async function waitForRequest({ paths }: WorkspaceFixture, id: string): Promise<{ readonly digest: string }> {
  for (;;) {
    const reader = StoreReader.open(paths.logDatabase), asked = reader?.approval(id) ?? null;
    reader?.close();
    if (asked !== null) return asked;
    await delay(systemClock, 5);
  }
}

function judge(workspace: WorkspaceFixture, told: ReadonlyMap<string, string>): void {
  const reader = StoreReader.open(workspace.paths.logDatabase) ?? assert.fail();
  try {
    for (const [id, decision] of told) {
      assert.equal(reader.approval(`${id}:ask::1`)?.decision, decision, id);
      assert.equal(reader.run(id)?.status, "completed", id);
      const said = [`${decision} (by ${decision === "approve" ? "ada" : "bob"})`, `did ${decision}`];
      assert.deepEqual(reader.messages(id).map(({ content }) => content), ["3 images unused", ...said], id);
      for (const type of ["approval.requested", "approval.decided", "run.waiting"]) {
        assert.equal(reader.logs({ refId: id, type }).length, 1, `${id} ${type}`);
      }
    }
  } finally {
    reader.close();
  }
}
