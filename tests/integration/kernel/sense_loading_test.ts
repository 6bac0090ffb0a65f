/** A sense that cannot load is reported once, with its place, and blocks no other. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { endless, unloadable, withAll } from "../../support/unloadable_senses.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("a sense that cannot load is reported once with its place, and its siblings run", async () => {
  await using workspace = await startWorkspace(withAll());
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  const pid = workspace.pid("g");
  for (const [name, [, expected, line]] of Object.entries(unloadable)) {
    for (let again = 0; again < 3; again++) {
      const { code, message, place } = await workspace.failure(name);
      assert.equal(code, "load", name);
      assert.match(message, expected, name);
      assert.doesNotMatch(message, /file:\/\/.*:\d+:\d+/, "its place is not part of its message");
      assert.deepEqual([place?.file, place?.line], [workspace.paths.senseEntry(name), line], name);
    }
    const problems = workspace.events.filter((event) => event.kind === "problem" && event.source === `sense:${name}`);
    assert.equal(problems.length, 1, `${name} is reported once`);
    assert.match(Object(problems[0]).message, new RegExp(`senses/${name}/index.ts:${line}:`), name);
    assert.equal((await workspace.rows({ source: `sense:${name}`, type: "sense.load_failed" })).length, 1);
    assert.match(workspace.sense(name).problem ?? "", expected);
  }
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  assert.equal(workspace.pid("g"), pid);
});

long.test("a module that awaits for ever times out with a reason, and does not delay its siblings", async () => {
  await using workspace = await startWorkspace(withAll());
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  const pid = workspace.pid("g");
  for (let again = 0; again < 2; again++) {
    assert.deepEqual(await workspace.trigger("endless"), { kind: "timeout", afterMs: 200, killed: false });
  }
  const { message } = await workspace.problem("sense:endless", /did not finish loading/);
  assert.match(message, /senses\/endless\/index\.ts:1:1/);
  assert.equal((await workspace.rows({ source: "sense:endless", type: "sense.load_failed" })).length, 1);
  assert.deepEqual(await workspace.payload("sibling"), { fine: 1 });
  assert.equal(workspace.pid("g"), pid, "the process was not killed for it");
});

// The bug was: after an early Ctrl-C the module was accused of awaiting for ever, in a row that stayed in status.
long.test("a stop while a sense loads is not reported as a failure of the sense", async () => {
  await using workspace = await startWorkspace({ senses: { endless } });
  const outcome = workspace.trigger("endless");
  await workspace.change("group:endless", "ready");
  await workspace.stop();
  assert.deepEqual(await outcome, { kind: "group_down", message: "the daemon stops" });
  const isOfSense = (source: string) => source === "sense:endless";
  assert.deepEqual(workspace.events.filter((event) => event.kind === "problem" && isOfSense(event.source)), []);
  await workspace.start();
  assert.deepEqual(await workspace.rows({ source: "sense:endless", type: "sense.load_failed" }), []);
});
