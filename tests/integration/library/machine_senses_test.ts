/** cpu-usage, memory-usage and disk-usage against this machine, in their sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { TestSense } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

long.test("below the threshold there is no signal, but the reading is stored", async () => {
  for (const name of ["cpu-usage", "memory-usage", "disk-usage"]) {
    await using sense = new TestSense(name);
    const quiet = await sense.compute({ threshold: 1 });
    // When all cores are busy the usage is not below 1.
    assert.ok(quiet.kind === "null" || (quiet.kind === "value" && quiet.value.used === 1), name);
    assert.equal((await sense.compute({ threshold: 0 })).kind, "value", name);
    assert.equal(rowsOf(sense.database, "select used from readings").length, 2, name);
  }
});

long.test("readings older than keep are deleted", async () => {
  for (const name of ["cpu-usage", "memory-usage", "disk-usage"]) {
    await using sense = new TestSense(name);
    await sense.compute();
    const db = new DatabaseSync(sense.database);
    db.exec("update readings set ts = ts - 2 * 86400000");
    db.close();
    await sense.compute({ keep: "3d" });
    assert.equal(rowsOf(sense.database, "select 1 from readings").length, 2, name);
    await sense.compute({ keep: "1d" });
    assert.equal(rowsOf(sense.database, "select 1 from readings").length, 2, `${name}: one deleted, one added`);
  }
});

Deno.test("an invalid config is rejected with every mistake named", async () => {
  await using sense = new TestSense("disk-usage");
  const outcome = await sense.compute({ treshold: 1, threshold: "high", keep: "soon" });
  assert.equal(outcome.kind, "error");
  for (const word of ["config.treshold is not known", "config.threshold must be a number", "config.keep must be"]) {
    assert.ok(outcome.kind === "error" && outcome.message.includes(word), JSON.stringify(outcome));
  }
});
