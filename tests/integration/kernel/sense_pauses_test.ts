/** A paused sense, observed through the whole kernel: it misses no signal and no changed file, also across a restart. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const source = "export const compute = () => ({ at: crypto.randomUUID() });";
const ear = `export const compute = ({ trigger: { kind, signals, paths } }) =>
  ({ kind, heard: signals.map(({ id }) => id), paths: [...paths] });`;
const yaml = {
  senses: { source: {}, ear: { permissions: { read: ["./in"] } } },
  reflexes: [{ sense: "ear", on: ["source"] }, { sense: "ear", watch: ["./in"], debounce: "50ms" }],
};

interface Heard {
  readonly kind: string;
  readonly heard: readonly number[];
  readonly paths: readonly string[];
}

long.test("what a paused sense should hear waits for it, also across a restart, and wakes it when it goes on", async () => {
  await using workspace = await startWorkspace({ yaml, senses: { source, ear }, files: { "in/old": "" } });
  const { pauses } = workspace.kernel.api;
  assert.equal((await pauses.pause("ear", { reason: "test" }))?.changed, true);
  assert.equal(workspace.sense("ear").state, "paused");
  await workspace.payload("source");
  workspace.write("in/new", "");
  assert.match(workspace.health().warnings.join(), /sense ear is paused .*nerve sense resume ear/);
  await workspace.stop();
  await workspace.start();
  await workspace.payload("source");
  const told = await workspace.rows({ source: "sense:source", type: "sense.signal" });
  assert.deepEqual(await workspace.rows({ source: "sense:ear", type: "sense.signal" }), []);
  assert.equal(workspace.sense("ear").paused?.reason, "test");
  await workspace.kernel.api.pauses.resume("ear");
  const heard = new Set<number>(), paths = new Set<string>();
  await workspace.waitFor((event) => {
    if (event.kind !== "signal" || event.signal.sense !== "ear") return false;
    const payload = event.signal.payload as unknown as Heard;
    for (const id of payload.heard) heard.add(id);
    for (const path of payload.paths) paths.add(path);
    return heard.size === 2 && paths.has(`${workspace.root}/in/new`);
  }, "both signals and the file to be heard");
  assert.deepEqual([...heard], told.map(({ id }) => id));
  const types = (await workspace.rows({ source: "sense:ear" })).map(({ type }) => type);
  assert.equal(types.indexOf("sense.paused") < types.indexOf("sense.resumed"), true);
});

Deno.test("a paused sense computes when somebody asks, and hears what waits", async () => {
  await using workspace = await startWorkspace({ yaml, senses: { source, ear } });
  await workspace.kernel.api.pauses.pause("ear", {});
  await workspace.payload("source");
  const payload = await workspace.payload("ear") as Heard;
  assert.deepEqual([payload.kind, payload.heard.length], ["manual", 1]);
  assert.equal(workspace.sense("ear").state, "paused");
});
