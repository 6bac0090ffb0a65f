/** What code says of its own silence: counted, told, and never a signal. */
import assert from "node:assert/strict";
import { silenceMaxChars } from "../../../src/base/limits.ts";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

/** Returns what the test writes. */
const says = "export const compute = () => JSON.parse(Deno.readTextFileSync('files/says.json'));\n";

long.test("a reason for silence is no signal; why, sense list and a trigger tell it", async () => {
  await using served = await serveWorkspace({
    senses: { says },
    files: { "files/says.json": "null" },
    yaml: "senses: { says: { permissions: { read: [files] } } }\n",
  });
  const { workspace } = served;
  const trigger = async (value: unknown) => {
    workspace.write("files/says.json", JSON.stringify(value));
    return (await served.nerve("sense", "trigger", "says", "--wait")).out;
  };
  for (let times = 0; times < 3; times++) {
    assert.match(await trigger({ silent: "threshold not reached" }), /⚪ says was silent: threshold not reached\n/);
  }
  assert.match(await trigger(null), /⚪ says returned null: no signal/);
  const { counters, silences, lastCompute } = workspace.sense("says");
  assert.deepEqual([counters.null, counters.signals, silences], [4, 0, { "threshold not reached": 3 }]);
  assert.equal(lastCompute?.detail, null);
  assert.match((await served.nerve("sense", "list")).out, /says .* 3 threshold not reached, 1 null\n/);
  // Repetitions are folded for a minute, each reason for itself.
  const why = (await served.nerve("why", "--sense", "says")).out;
  assert.match(why, /⚪ compute \d+ was silent: threshold not reached\n.*⚪ compute \d+ returned null\n/);

  // Whatever is not exactly that is a signal as before.
  for (const value of [{ silent: "x", more: 1 }, { silent: 5 }, { silent: "" }, "silent", { more: 1, silent: "x" }]) {
    assert.match(await trigger(value), /📡 says signal \d+ /, JSON.stringify(value));
  }
  assert.match(await trigger({ silent: "long ".repeat(1_000) }), new RegExp(`was silent: (long )*.{0,5}\\n`));
  assert.equal(workspace.sense("says").lastCompute?.detail?.length, silenceMaxChars);
});
