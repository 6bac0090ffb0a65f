/** Running a role once. The clock is the sandbox's own, because user code may have no other. */
import assert from "node:assert/strict";
import { runRole } from "../../../src/sandbox/run_role.ts";
import { readRoles, type RolePlan } from "../../../src/sandbox/roles.ts";
import type { RoleContext } from "../../../src/sdk/workflow.ts";

function planOf(role: unknown): RolePlan {
  const roles = readRoles({ r: role });
  assert.ok(roles.ok);
  const plan = roles.value.get("r") ?? assert.fail();
  return "ask" in plan ? assert.fail("it is a wait") : plan;
}

const context = {} as Omit<RoleContext, "signal">;
const ended = new AbortController().signal;
/** Ends when the signal aborts. */
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

Deno.test("runRole() gives the value that the role returned or threw, whatever it is", async () => {
  const result = { content: "done", meta: {} };
  assert.deepEqual(await runRole(planOf(() => result), ended, context, assert.fail), { ok: true, value: result });
  const thrown = await runRole(planOf(() => Promise.reject(undefined)), ended, context, assert.fail);
  assert.deepEqual(thrown, { ok: false, error: undefined });
});

Deno.test("a role over its time limit has timed out, whatever it returns or throws afterwards", async () => {
  for (const end of ["return", "throw"]) {
    const plan = planOf({
      timeout: 10,
      run: async ({ signal }: RoleContext) => {
        await aborted(signal);
        if (end === "throw") throw new Error("interrupted");
        return { content: "late", meta: {} };
      },
    });
    const limits: number[] = [];
    const result = await runRole(plan, ended, context, (timeoutMs) => limits.push(timeoutMs));
    assert.deepEqual(limits, [10]);
    assert.ok(!result.ok && result.error instanceof DOMException, end);
    assert.deepEqual([result.error.name, result.error.message], ["TimeoutError", "timed out after 10ms"]);
  }
});

Deno.test("the end of the run aborts the role's signal, and does not count as a timeout", async () => {
  const run = new AbortController();
  const plan = planOf({
    timeout: "1h",
    run: async ({ signal }: RoleContext) => {
      run.abort(new Error("killed"));
      await (signal.aborted ? null : aborted(signal));
      throw signal.reason;
    },
  });
  const result = await runRole(plan, run.signal, context, () => {});
  assert.equal(!result.ok && String(result.error), "Error: killed");
});
