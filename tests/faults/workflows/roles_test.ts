/** Roles that fail, roles that take too long, and unreliable moderators, in real processes. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

Deno.test("a role is tried as often as its policy says; each failure is logged, and its idempotency key stays the same", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      flaky: `const keys: string[] = [];\n` + steps(`
        calm: () => ({ content: "ok", meta: {} }),
        shaky: {
          retry: { attempts: 3, backoff: "20ms" },
          run: ({ idempotencyKey }) => {
            if (keys.push(idempotencyKey) < 3) throw new Error("not yet");
            return { content: keys.join(" "), meta: {} };
          },
        }`),
    },
  });
  const run = await finished(workspace, "flaky");
  assert.deepEqual([run.status, run.rounds, run.attempt], ["completed", 2, 3], run.reason ?? "");
  const key = `${run.runId}:2`, messages = workspace.kernel.api.records.messages(run.runId, { limit: 9 });
  assert.equal(messages[1]?.content, `${key} ${key} ${key}`);
  const rows = await rowsOf(workspace, run.runId, "run.attempt_failed");
  assert.deepEqual(rows.map(({ failures, role, round, attempts }) => [failures, role, round, attempts]), [
    [1, "shaky", 2, 3],
    [2, "shaky", 2, 3],
  ]);
  for (const { message } of rows) assert.match(String(message), /^not yet \(.*flaky\/index\.ts:\d+:\d+\)$/);
});

long.test("a role may have its run paused after its last attempt; its attempts begin anew when a person resumes it", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      patient: `let tries = 0;\n` + steps(`
        shaky: {
          retry: { attempts: 2, backoff: "10ms", exhausted: "pause" },
          run: () => {
            if (++tries < 4) throw new Error("not yet");
            return { content: String(tries), meta: {} };
          },
        }`),
    },
  });
  const { api } = workspace.kernel, from = workspace.events.length;
  await workspace.kernel.startWorkflow("patient", { runId: "a" });
  const { run } = await workspace.run("paused", from);
  assert.match(run.reason ?? "", /^paused: role shaky failed in round 1, attempt 2 of 2: not yet \(/);
  await api.resumeRun("a");
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const rows = await rowsOf(workspace, "a", "run.attempt_failed");
  assert.deepEqual(rows.map(({ failures }) => failures), [1, 2, 1]);
});

long.test("after its last attempt a role fails the run with exit code 1, and the reason names role, round and attempts", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      doomed: steps(`one: { retry: { attempts: 2, backoff: 1 }, run: () => { throw new Error("never"); } }`),
      hopeless: steps(`one: {
        retry: { attempts: 5, backoff: 1, nonRetryable: ["RangeError"] },
        run: () => { throw new RangeError("beyond help"); },
      }`),
      told: steps(`one: {
        retry: { attempts: 5, backoff: 1, nonRetryable: (error) => String(error).includes("help") },
        run: () => { throw new Error("beyond help"); },
      }`),
      plain: steps(`one: () => { throw new Error("just once"); }`),
    },
  });
  const reasonOf = async (name: string) => {
    const run = await finished(workspace, name);
    assert.deepEqual([run.status, run.exitCode], ["failed", 1]);
    return (run.reason ?? "").replace(/ \([^ ]*index\.ts:\d+:\d+\)$/, "");
  };
  assert.equal(await reasonOf("doomed"), "role one failed in round 1, attempt 2 of 2: never");
  const hopeless = "role one failed in round 1, attempt 1 of 5, not retried: ";
  assert.equal(await reasonOf("hopeless"), `${hopeless}RangeError: beyond help`);
  assert.equal(await reasonOf("told"), `${hopeless}beyond help`);
  assert.equal(await reasonOf("plain"), "role one failed in round 1: just once");
});

Deno.test("a role's time limit aborts its signal; whatever it does then counts as a failure, and it is retried", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      slow: `let calls = 0;\n` + steps(`one: {
        timeout: "50ms",
        retry: { attempts: 2, backoff: 1 },
        run: async ({ signal }) => {
          if (++calls === 2) return { content: "in time", meta: {} };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return { content: "too late", meta: {} };
        },
      }`),
    },
  });
  const run = await finished(workspace, "slow");
  assert.equal(run.status, "completed", run.reason ?? "");
  assert.equal(workspace.kernel.api.records.messages(run.runId, { limit: 9 })[0]?.content, "in time");
  const [failure] = await rowsOf(workspace, run.runId, "run.attempt_failed");
  assert.match(String(failure?.message), /^TimeoutError: timed out after 50ms/);
});

long.test("a role that blocks its process past its time limit costs the process; its siblings resume and are not blamed", async () => {
  // The bug would be: the siblings count three deaths at one round, and end as crashed for what another run has done.
  await using workspace = await startWorkspace({
    yaml: { workflows: { mixed: { concurrency: 3, permissions: { read: ["marks"], write: ["marks"] } } } },
    files: { "marks/none": "" },
    workflows: {
      mixed: steps(`one: {
        timeout: 30,
        run: ({ start }) => {
          if (start.prompt === "loop") for (;;);
          return { content: "fine", meta: {} };
        },
      }, two: async ({ start, log }) => {
        try {
          Deno.statSync("marks/waited");
        } catch {
          Deno.writeTextFileSync("marks/waited", "");
          log("info", "waits");
          await new Promise(() => {});
        }
        return { content: "done " + start.prompt, meta: {} };
      }`),
    },
  });
  const { kernel } = workspace;
  const sibling = await kernel.startWorkflow("mixed", { prompt: "wait", runId: "sibling" });
  await workspace.log("workflow:mixed", /waits/);
  await kernel.startWorkflow("mixed", { prompt: "loop", runId: "culprit" });
  const culprit = await runEnd(workspace, "culprit");
  assert.deepEqual([culprit.status, culprit.exitCode], ["failed", 1]);
  assert.match(
    culprit.reason ?? "",
    /^role one failed in round 1: timed out after 30ms and did not stop; its process was ended$/,
  );
  assert.equal((await runEnd(workspace, sibling.runId)).status, "completed");
  assert.deepEqual(await rowsOf(workspace, "sibling", "run.crashed"), []);
  assert.deepEqual(await rowsOf(workspace, "culprit", "run.crashed"), []);
});

const moderators: readonly [name: string, moderator: string, reason: RegExp][] = [
  ["throws", `() => { throw new Error("no idea"); }`, /^the moderator threw after 0 messages: no idea \(.*:\d+:\d+\)$/],
  ["unknown", `() => "three"`, /^the moderator returned "three", which is neither END nor a role \(one\)$/],
  ["promises", `async () => { throw new Error("x"); }`, /^the moderator returned a promise: it must return/],
  [
    "moody",
    `() => (calls++ % 2 === 0 ? "one" : END)`,
    /^the moderator is not pure: for the same 0 messages it returned "one", then returned END$/,
  ],
  [
    "leaky",
    `({ messages }) => { messages.push(1); return END; }`,
    /^the moderator threw after 0 messages: Cannot add property 0/,
  ],
];

long.test("a moderator that throws, names no role, returns a promise or is not pure fails the run with exit code 1 and a reason", async () => {
  const one = `one: () => ({ content: "", meta: {} })`;
  await using workspace = await startWorkspace({
    workflows: Object.fromEntries(moderators.map(([name, moderator]) => {
      return [name, `let calls = 0; void calls;\n${steps(one, moderator)}`];
    })),
  });
  for (const [name, , reason] of moderators) {
    const run = await finished(workspace, name);
    assert.deepEqual([run.status, run.exitCode, run.rounds], ["failed", 1, 0], name);
    assert.match(run.reason ?? "", reason);
  }
});

const nameless = ["nameless", /"" cannot be the name of a role/] as const;

long.test("a workflow with an invalid role does not load, says why, and its runs wait", async () => {
  const wrong: readonly [role: string, reason: RegExp][] = [
    [`{}`, /its role one is neither a function nor an object with a run function/],
    [`{ run: () => null, timeout: "soon" }`, /its role one has an invalid timeout: "soon" is not a duration/],
    [`{ run: () => null, retries: {} }`, /its role one has an unknown key retries/],
    [`{ run: () => null, retry: {} }`, /its role one has a retry.attempts that is not a whole number/],
    [
      `{ run: () => null, retry: { attempts: 2, backoff: "2m", maxBackoff: "1m" } }`,
      /retry.maxBackoff that is not between/,
    ],
    [
      `{ run: () => null, retry: { attempts: 2, nonRetryable: "Error" } }`,
      /neither a list of error names nor a function/,
    ],
  ];
  const named = wrong.map(([role, reason], at) => [`w${at}`, role, reason] as const);
  await using workspace = await startWorkspace({
    workflows: {
      ...Object.fromEntries(named.map(([name, role]) => [
        name,
        `export default { roles: { one: ${role} }, moderator: () => "one" };`,
      ])),
      nameless: `export default { roles: { "": () => ({ content: "x", meta: {} }) }, moderator: () => "" };`,
    },
  });
  for (const [name, reason] of [...named.map(([name, , reason]) => [name, reason] as const), nameless]) {
    const { runId } = await workspace.kernel.startWorkflow(name);
    assert.match((await workspace.change(`workflow:${name}`, "quarantined")).message, reason);
    assert.equal(workspace.kernel.api.records.run(runId)?.status, "started");
  }
});

async function finished(workspace: WorkspaceFixture, workflow: string) {
  const { runId } = await workspace.kernel.startWorkflow(workflow);
  return await runEnd(workspace, runId);
}

long.test("a result whose parts throw when they are read fails the run", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      thrower: steps(`one: () => ({ get content() { throw new Error("not for you"); }, meta: {} })`),
    },
  });
  const thrower = await finished(workspace, "thrower");
  assert.deepEqual([thrower.status, thrower.exitCode], ["failed", 1]);
  assert.match(thrower.reason ?? "", /role one did not return a message: reading it threw: not for you/);
});
