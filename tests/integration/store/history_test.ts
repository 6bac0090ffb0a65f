/** Reading rows that have left the log for its archive as if they had not. */
import assert from "node:assert/strict";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { logRowSchema } from "../../../src/protocol/log.ts";
import { at, jsonLines, withArchive } from "../../support/archive_bench.ts";

Deno.test("nerve events --archived filters like events; without it only the log is shown", () =>
  withArchive(async (bench) => {
    for (let hour = 0; hour < 48; hour++) {
      const sense = hour % 2 === 0 ? "cpu" : "disk";
      bench.append(at(0, hour), {
        source: `sense:${sense}`,
        refId: sense,
        type: hour % 3 === 0 ? "sense.null" : "sense.signal",
      });
    }
    await bench.store.log.durable();
    await bench.archive(at(1));
    const filter = ["--source", "sense:cpu", "--type", "sense.null"];
    const rows = jsonLines((await bench.nerve("events", "--archived", "--json", ...filter)).out);
    assert.deepEqual(rows.map((row) => (logRowSchema.parse(row).ts - at(0)) / 3_600_000), [
      0,
      6,
      12,
      18,
      24,
      30,
      36,
      42,
    ]);
    assert.equal(jsonLines((await bench.nerve("events", "--json", ...filter)).out).length, 4);
    bench.clock.wall = at(2);
    assert.equal(
      jsonLines((await bench.nerve("events", "--archived", "--json", "--since", "30h", ...filter)).out).length,
      5,
    );
    const wrong = await bench.nerve("events", "--archived", "--follow");
    assert.deepEqual([wrong.code, /--archived and --follow cannot be combined/.test(wrong.err)], [2, true]);
    // The cause of a row may have left before it.
    const why = await bench.nerve("why", "1");
    assert.deepEqual([why.code, /returned null/.test(why.out)], [0, true]);
  }));

Deno.test("a run that was archived, in part or as a whole, is inspected and its thread read as before", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(0, 22));
    for (let round = 1; round <= 6; round++) await bench.message("run-1", round, at(0, 22 + round));
    await bench.endRun("run-1", at(1, 6));
    bench.append(at(4));
    await bench.store.log.durable();
    const look = async () => ({
      // The total is not known once rows may be archived.
      inspect: { ...JSON.parse((await bench.nerve("workflow", "inspect", "run-1", "--json")).out), total: null },
      thread: JSON.parse((await bench.nerve("workflow", "thread", "run-1", "--json")).out),
      why: (await bench.nerve("why", "run-1")).out,
      page: JSON.parse(
        (await bench.nerve("workflow", "thread", "run-1", "--json", "--before", "4", "--budget", "10")).out,
      ),
    });
    const before = await look();
    assert.equal(outputs.workflowThreadOutput.parse(before.thread).messages.length, 6);
    assert.equal(outputs.workflowInspectOutput.parse(before.inspect).rows.length, 8);
    assert.match(before.why, /run run-1 of .* was (queued|started)/);
    assert.deepEqual(outputs.workflowThreadOutput.parse(before.page).messages.map(({ round }) => round), [3]);
    await bench.archive(at(1));
    assert.equal(bench.store.reader.messages("run-1").length, 5, "round 1 has left the log");
    assert.deepEqual(await look(), before);
    await bench.archive(at(2));
    assert.equal(bench.store.reader.messages("run-1").length, 0);
    assert.deepEqual(await look(), before);
  }));
