/** Roles as an author wrote them: valid forms, their defaults, and errors that keep a workflow from loading. */
import assert from "node:assert/strict";
import {
  defaultRetryBackoffMaxMs,
  defaultRetryBackoffMs,
  retryWaitMaxMs,
  roleAttemptsMax,
  roleNameMaxChars,
} from "../../../src/base/limits.ts";
import { readRoles, type RolePlan } from "../../../src/sandbox/roles.ts";
import { END, START } from "../../../src/sdk/workflow.ts";

const run = () => ({ content: "", meta: {} });

function planOf(role: unknown): RolePlan {
  const roles = readRoles({ r: role });
  assert.ok(roles.ok, roles.ok ? "" : roles.error);
  const plan = roles.value.get("r") ?? assert.fail();
  return "ask" in plan ? assert.fail("it is a wait") : plan;
}

function faultOf(roles: unknown): string {
  const read = readRoles(roles);
  return read.ok ? "" : read.error;
}

Deno.test("a role that is only a function has no time limit and one attempt", () => {
  const { timeoutMs, attempts } = planOf(run);
  assert.deepEqual([timeoutMs, attempts], [null, 1]);
});

Deno.test("a role has the effect that it says, and is idempotent by default", () => {
  const effects = [run, { run }, { run, effect: "pure" }, { run, effect: "once", timeout: "1s" }].map((role) =>
    planOf(role).effect
  );
  assert.deepEqual(effects, ["idempotent", "idempotent", "pure", "once"]);
});

Deno.test("durations are text or milliseconds, and missing retry settings have their defaults", () => {
  const plan = planOf({ run, timeout: "1m30s", retry: { attempts: 4 } });
  assert.deepEqual([plan.timeoutMs, plan.attempts], [90_000, 4]);
  assert.deepEqual([plan.backoffMs, plan.maxBackoffMs], [defaultRetryBackoffMs, defaultRetryBackoffMaxMs]);
  const own = planOf({ run, retry: { attempts: 2, backoff: 0, maxBackoff: "2s" } });
  assert.deepEqual([own.backoffMs, own.maxBackoffMs], [0, 2_000]);
});

Deno.test("a first wait above the default bound raises the bound", () => {
  assert.equal(planOf({ run, retry: { attempts: 2, backoff: "10m" } }).maxBackoffMs, 600_000);
});

Deno.test("an invalid role gives an error with its name and what is wrong", () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /no roles/],
    [{}, /no roles/],
    [{ "": run }, /"" cannot be/],
    [{ [START]: run }, /cannot be the name/],
    [{ [END]: run }, /cannot be the name/],
    [{ ["r".repeat(roleNameMaxChars + 1)]: run }, /longer than/],
    [{ r: 5 }, /role r is neither/],
    [{ r: { run: 5 } }, /role r is neither/],
    [{ r: { run, timout: "1s" } }, /unknown key timout/],
    [{ r: { run, timeout: "soon" } }, /timeout/],
    [{ r: { run, timeout: 1.5 } }, /timeout/],
    [{ r: { run, timeout: 0 } }, /timeout/],
    [{ r: { run, effect: "twice" } }, /role r has an effect that is none of idempotent, pure, once/],
    [{ r: { run, effect: "once", retry: { attempts: 2 } } }, /role r has the effect "once" and a retry/],
    [{ r: { run, retry: 3 } }, /retry/],
    [{ r: { run, retry: {} } }, /retry\.attempts/],
    [{ r: { run, retry: { attempts: roleAttemptsMax + 1 } } }, /retry\.attempts/],
    [{ r: { run, retry: { attempts: 2, max: 1 } } }, /unknown key retry\.max/],
    [{ r: { run, retry: { attempts: 2, exhausted: "stop" } } }, /retry\.exhausted .*"fail" nor "pause"/],
    [{ r: { run, retry: { attempts: 2, backoff: retryWaitMaxMs + 1 } } }, /retry\.backoff/],
    [{ r: { run, retry: { attempts: 2, backoff: "2s", maxBackoff: "1s" } } }, /retry\.maxBackoff/],
    [{ r: { run, retry: { attempts: 2, nonRetryable: "TypeError" } } }, /retry\.nonRetryable/],
  ];
  for (const [roles, expected] of cases) assert.match(faultOf(roles), expected);
});
