/** What an author may write as a role, and what the compiler rejects: `deno check` is the test. */
import assert from "node:assert/strict";
import { defineWorkflow, END, gate, type JsonObject, option, type RoleContext } from "../../../src/sdk/mod.ts";

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

/** A context as the sandbox makes it, with the parts that these roles use. */
const contextOf = (config: RoleContext["config"]) => ({ idempotencyKey: "run:1", config } as RoleContext);

Deno.test("with config, roles of both forms get checked and typed settings, and waits stay as they are", async () => {
  const ask = gate({ title: "go on?" });
  const workflow = defineWorkflow({
    config: { folder: option.text(), most: option.number(10) },
    roles: {
      plain: ({ config: { folder, most } }) => {
        const half: number = most / 2, text: string = folder.trim();
        return { content: text, meta: { half } };
      },
      careful: {
        timeout: "30s",
        run: ({ config, idempotencyKey }) => ({ content: config.folder, meta: { idempotencyKey } }),
      },
      ask,
    },
    moderator: () => END,
    finally: { timeout: "5s", run: ({ config }) => ({ content: config.folder, meta: {} }) },
  });
  const closing = workflow.finally;
  assert.ok(typeof closing === "object");
  assert.deepEqual(await closing.run(contextOf({ folder: "c" }) as Parameters<typeof closing.run>[0]), {
    content: "c",
    meta: {},
  });
  const { plain, careful } = workflow.roles;
  assert.ok(typeof plain === "function" && typeof careful === "object" && "run" in careful);
  assert.deepEqual(await plain(contextOf({ folder: " a " })), { content: "a", meta: { half: 5 } });
  assert.deepEqual(await careful.run(contextOf({ folder: "b" })), { content: "b", meta: { idempotencyKey: "run:1" } });
  assert.equal(careful.timeout, "30s");
  assert.equal(workflow.roles.ask, ask);
  assert.throws(() => plain(contextOf({ most: "many" })), {
    name: "TypeError",
    message: 'config.folder is missing; config.most must be a number, not "many"',
  });
});

Deno.test("config may be a function, and the compiler knows what it returns", async () => {
  const { roles } = defineWorkflow({
    config: (config: JsonObject) => ({ size: Object.keys(config).length }),
    roles: {
      only: ({ config }) => {
        // @ts-expect-error: that is a number.
        const size: string = config.size;
        return { content: String(size), meta: {} };
      },
    },
    moderator: ({ messages }) => messages.length === 0 ? "only" : END,
  });
  assert.ok(typeof roles.only === "function");
  assert.deepEqual(await roles.only(contextOf({ a: 1, b: 2 })), { content: "2", meta: {} });
  defineWorkflow({
    config: { most: option.number(10) },
    roles: { only: () => ({ content: "", meta: {} }) },
    // @ts-expect-error: there is no such role.
    moderator: () => "other",
  });
});

Deno.test("roles that are none pass through, for the loader to refuse", () => {
  for (const roles of [undefined, null, [], { a: null }, { a: { run: 1 } }]) {
    const workflow = { config: {}, roles, moderator: () => END };
    assert.deepEqual(defineWorkflow(workflow as unknown as Parameters<typeof defineWorkflow>[0]).roles, roles);
  }
});
