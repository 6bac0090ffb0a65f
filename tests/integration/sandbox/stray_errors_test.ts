/** Errors in user code that no compute waits for: they are reported, and end nothing. */
import assert from "node:assert/strict";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("an unhandled rejection and an error in a timer are reported, and the process keeps running", async () => {
  const strays: Record<string, [string, RegExp]> = {
    "rejection": [
      "Promise.reject(new Error('nobody waits'))",
      /uncaught error outside of any compute or role: nobody waits/,
    ],
    "late-rejection": ["setTimeout(() => void Promise.reject(new RangeError('late')), 1)", /RangeError: late/],
    "timer": ["setTimeout(() => { throw new Error('from a timer') }, 1)", /from a timer/],
    "microtask": ["queueMicrotask(() => { throw new Error('from a microtask') })", /from a microtask/],
    "nothing": ["void Promise.reject(undefined)", /uncaught error outside of any compute or role: undefined/],
    "unprintable": [
      "void Promise.reject(new Proxy(new Error(), { get() { throw 1 }, getPrototypeOf() { throw 2 } }))",
      /cannot be shown/,
    ],
    "event": ["queueMicrotask(() => dispatchEvent(new ErrorEvent('error', { error: new Error('sent') })))", /sent/],
  };
  const senses = Object.fromEntries(
    Object.entries(strays).map(([name, [body]]) => [name, `export function compute() { ${body}; return 1; }`]),
  );
  const yaml = { senses: Object.fromEntries(Object.keys(strays).map((name) => [name, { group: "g" }])) };
  await using workspace = await startWorkspace({ yaml, senses });
  for (const [name, [, expected]] of Object.entries(strays)) {
    assert.equal(await workspace.payload(name), 1, name);
    const { message } = await workspace.problem("group:g", expected);
    const own = !["nothing", "unprintable"].includes(name);
    if (own) assert.match(message, new RegExp(`\\(${workspace.paths.senseEntry(name)}:1:\\d+\\)$`), name);
  }
  assert.equal(workspace.unit("g").deaths, 0);
  assert.ok((await workspace.rows({ source: "group:g", type: "group.error" })).length >= Object.keys(strays).length);
});

// The bug was: a forgotten await in a sense of its own group was an ordinary log row, without place, at every compute.
Deno.test("a stray error is one problem with its place, however often it occurs", async () => {
  const forgets = "const work = async () => { throw new Error('lost'); };\nexport function compute() {\n  work();\n}";
  await using workspace = await startWorkspace({ senses: { forgets } });
  const nothing = { kind: "null", returned: "undefined" };
  for (let again = 0; again < 3; again++) assert.deepEqual(await workspace.trigger("forgets"), nothing);
  const { message } = await workspace.problem("group:forgets", /uncaught error outside of any compute or role: lost/);
  assert.match(message, /senses\/forgets\/index\.ts:1:\d+\)$/);
  await workspace.stop();
  assert.equal(workspace.events.filter((event) => event.kind === "problem").length, 1);
  await workspace.start();
  const rows = await workspace.rows({ source: "group:forgets", type: "group.error" });
  assert.deepEqual(rows.map(({ payload }) => Object(payload).repeated).sort(), [2, undefined]);
});

Deno.test("output of user code is reported line by line, bounded, and outside the protocol", async () => {
  const noisy = `export function compute() {
    console.log("one\\ntwo");
    console.error("three");
    Deno.stdout.writeSync(new TextEncoder().encode('{"t":"ready"}\\n'));
    console.log("x".repeat(1e6));
    return 1;
  }`;
  await using workspace = await startWorkspace({ senses: { noisy } });
  assert.equal(await workspace.payload("noisy"), 1);
  for (const expected of [/^one$/, /^two$/, /^three$/, /^\{"t":"ready"\}$/]) {
    await workspace.log("group:noisy", expected);
  }
  const { message } = await workspace.log("group:noisy", /^x+$/);
  assert.equal(message.length, 16 * 1024);
});

long.test("a sense that holds or breaks its context still ends cleanly", async () => {
  // Time stands still, so that no kill comes: the stop is over only when both have ended.
  await using workspace = await startWorkspace({
    clock: new FakeClock(),
    senses: {
      holding: `export const transaction = false;
        export const compute = ({ sqlite }) => {
          sqlite.exec("create table t (x); insert into t values (1), (2); begin");
          sqlite.prepare("select x from t").iterate().next();
          return 1;
        };`,
      breaking: `export const compute = ({ sqlite }) => {
        for (const key of ["close", "exec", "prepare"]) {
          Object.getPrototypeOf(sqlite)[key] = () => { throw new Error("no") };
        }
        return 1;
      };`,
    },
  });
  for (const name of ["holding", "breaking"]) assert.equal(await workspace.payload(name), 1);
  await workspace.stop();
  const ends = workspace.events.flatMap((event) =>
    event.kind === "unit" && event.change !== "ready" ? [event.change] : []
  );
  assert.deepEqual(ends, ["ended", "ended"]);
});
