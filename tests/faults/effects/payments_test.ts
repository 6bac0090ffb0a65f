/**
 * Roles that run once, in real processes: what the bug would look like is a payment that is made twice. The short form of
 * `deno task once`; on failure the seed is in the message.
 */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { randomSeed, repeatedBy } from "../../support/seed.ts";
import { rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";
import { makePayments } from "./payments.ts";

scaled.test("a role that runs once never runs twice by itself, although kills strike its process and the daemon", async () => {
  const seed = randomSeed(), printed: string[] = [];
  try {
    const { doubts = 0 } = await makePayments({ kills: isLong ? 20 : 4, seed, print: (line) => printed.push(line) });
    assert.ok(doubts > 0 || !isLong, "nothing was ever in doubt");
  } catch (cause) {
    throw new Error(`${cause} (${printed.join("; ")})\n${repeatedBy(seed)}`, { cause });
  }
});

Deno.test("a role that throws, returns no message or runs out of its time is decided by a person", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      w: `let calls = 0;\n` + steps(`
        calm: () => ({ content: "ok", meta: {} }),
        once: {
          effect: "once",
          timeout: "100ms",
          run: async ({ signal, log }) => {
            log("info", "call " + ++calls);
            if (calls === 1) throw new Error("no answer");
            if (calls === 2) return "not a message" as never;
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            return { content: "too late", meta: {} };
          },
        },
        last: ({ messages }) => ({ content: JSON.stringify(messages[1]?.meta), meta: {} })`),
    },
  });
  const { api } = workspace.kernel;
  await workspace.kernel.startWorkflow("w", { runId: "r" });
  const whys = [/what happened: no answer \(/, /what happened: did not return a message: /, /timed out after 100ms/];
  let from = 0;
  for (const [n, why] of whys.entries()) {
    await workspace.run("waiting", from);
    from = workspace.events.length;
    const { id, body, digest } = api.approval(`r:once:recovery:${n + 1}`) ?? assert.fail();
    assert.match(body, why);
    const [option, supplied] = n < 2
      ? ["retry", {}] as const
      : ["done", { content: "by hand", meta: { id: 7 } }] as const;
    await api.decide(id, { option, digest, token: "t", by: "ada", ...supplied });
  }
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  assert.deepEqual(api.records.messages("r", {}).map(({ content }) => content), ["ok", "by hand", '{"id":7}']);
  assert.equal((await rowsOf(workspace, "r", "run.role_begun")).length, 3);
  const io = new CapturedIo({ cwd: workspace.root });
  await workspace.stop();
  assert.equal(await runCli(["store", "verify", "--json"], io), 0, io.out);
});

Deno.test("a role that runs once and has a retry does not load, and neither does one with another effect", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      both: steps(`r: { effect: "once", retry: { attempts: 2 }, run: () => ({ content: "", meta: {} }) }`),
      other: steps(`r: { effect: "twice" as never, run: () => ({ content: "", meta: {} }) }`),
    },
  });
  for (const [name, why] of [["both", /"once" and a retry/], ["other", /none of idempotent, pure, once/]] as const) {
    await workspace.kernel.startWorkflow(name);
    const { message } = await workspace.change(`workflow:${name}`, "quarantined");
    assert.match(message, why);
  }
});
