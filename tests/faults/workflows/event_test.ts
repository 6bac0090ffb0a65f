/** Events for runs, in real processes and over deaths of the daemon: what was told is taken once, in order, and never lost. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

/** Waits for as many events as its prompt says. */
const listener = `import { defineWorkflow, END, event } from "nerve";
export default defineWorkflow({
  roles: { next: event("item", { timeout: "1h" }) },
  moderator: ({ start, messages }) => (messages.length < Number(start.prompt) ? "next" : END),
});
`;
const yaml = { workflows: { w: { concurrency: 9, max_rounds: 1_000 } } };

Deno.test("nerve workflow send settles a wait, keeps what comes early, and answers a repeated key again", async () => {
  await using served = await serveWorkspace({ yaml, workflows: { w: listener } });
  const { workspace } = served;
  await workspace.kernel.startWorkflow("w", { runId: "r", prompt: "2" });
  await workspace.run("waiting");
  assert.match(
    (await served.nerve("workflow", "inspect", "r")).out,
    /reason +role next waits for the event item, until/,
  );
  const early = await served.nerve("workflow", "send", "r", "other", "--key", "o");
  assert.match(early.out, /event other of run r is kept until the run waits for it\n/);
  const first = await served.nerve("workflow", "send", "r", "item", "--payload", '{"n":1}', "--key", "k1");
  assert.match(first.out, /event item of run r settled round 1\n/);
  const again = await served.nerve("workflow", "send", "r", "item", "--payload", '{"n":1}', "--key", "k1");
  assert.match(again.out, /settled round 1; it was sent before\n/);
  const other = await served.nerve("workflow", "send", "r", "item", "--payload", '{"n":2}', "--key", "k1");
  assert.deepEqual([other.code, /another event with the key k1/.test(other.err)], [1, true]);
  assert.equal((await served.nerve("workflow", "send", "r", "item")).code, 0);
  await runEnd(workspace, "r");
  const messages = workspace.kernel.api.records.messages("r", {});
  assert.deepEqual(messages.map(({ meta }) => meta.payload), [{ n: 1 }, {}]);
  assert.equal((await served.nerve("workflow", "send", "r", "item")).code, 1);
  assert.equal((await served.nerve("workflow", "send", "r", "a b")).code, 1);
});

faultTest(
  "kill -9 between events: each that was told is taken once, in the order in which they were told",
  async (seed) => {
    const random = randomFrom(seed), count = isLong ? 40 : 8, ofALife = isLong ? 20 : 4;
    await using workspace = await makeWorkspace({ yaml, workflows: { w: listener } });
    let daemon = await Daemon.start(workspace.paths);
    try {
      await daemon.client.startRun("w", { runId: "r", prompt: String(count) });
      for (let n = 0; n < count;) {
        // Each life tells something, however slow the machine is.
        const until = Math.min(count, n + ofALife), told = Promise.withResolvers<void>();
        const dies = told.promise.then(() => delay(systemClock, random() * 25 * ofALife)).then(() => daemon.kill());
        for (let sent = n; sent < until; sent++) {
          const isTold = await daemon.client.sendEvent("r", { name: "item", key: `k${sent}`, payload: sent }).then(
            () => true,
            (thrown) => {
              if (!(thrown instanceof NerveError)) throw thrown;
              return false;
            },
          );
          if (!isTold) break;
          n++;
          told.resolve();
        }
        told.resolve();
        await dies;
        daemon = await Daemon.start(workspace.paths);
      }
      await within(daemon.client.run("r", true), "the end of the run", () => `${daemon.output}\n${repeatedBy(seed)}`);
    } finally {
      await daemon.kill();
    }
    const reader = StoreReader.open(workspace.paths.logDatabase);
    try {
      const taken = reader?.messages("r").map(({ meta }) => meta.payload);
      assert.deepEqual(taken, Array.from({ length: count }, (_, n) => n), repeatedBy(seed));
      assert.equal(reader?.run("r")?.status, "completed");
    } finally {
      reader?.close();
    }
  },
  scaled,
);
