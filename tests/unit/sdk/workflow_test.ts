/** What an author may write as a role, and what the compiler rejects: `deno check` is the test. */
import assert from "node:assert/strict";
import { defineWorkflow, END } from "../../../src/sdk/mod.ts";

Deno.test("a role is a function or an object, and a moderator may only name roles that are there", () => {
  const workflow = defineWorkflow({
    roles: {
      plain: ({ start }) => ({ content: start.prompt, meta: {} }),
      careful: {
        timeout: "30s",
        retry: { attempts: 3, backoff: 500, maxBackoff: "1m", nonRetryable: ["NotCapable"] },
        run: ({ signal }) => ({ content: String(signal.aborted), meta: { n: 1 } }),
      },
    },
    moderator: ({ messages }) => messages.length === 0 ? "plain" : messages.length === 1 ? "careful" : END,
  });
  assert.deepEqual(Object.keys(workflow.roles), ["plain", "careful"]);
  defineWorkflow({
    roles: { only: () => ({ content: "", meta: {} }) },
    // @ts-expect-error: there is no such role.
    moderator: () => "other",
  });
  defineWorkflow({
    // @ts-expect-error: a retry needs to know how often.
    roles: { only: { run: () => ({ content: "", meta: {} }), retry: {} } },
    moderator: () => END,
  });
});
