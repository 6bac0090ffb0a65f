/** The errors that several rooms report, each with one wording. */
import assert from "node:assert/strict";
import {
  daemonMissing,
  daemonRunning,
  unknownRun,
  unknownSense,
  unknownWorkflow,
} from "../../../src/protocol/common_errors.ts";

Deno.test("the message for an unknown name lists the existing names, or says how to create the first", () => {
  const sense = unknownSense("cpu", new Map([["cpu-usage", 1], ["disk", 2]]).keys());
  assert.deepEqual([sense.code, sense.message], ["SENSE_UNKNOWN", 'there is no sense "cpu"']);
  assert.match(sense.hint ?? "", /cpu-usage, disk$/);
  assert.equal(unknownWorkflow("x", []).hint, "nerve init workflow NAME");
  assert.equal(unknownRun("r").code, "RUN_UNKNOWN");
});

Deno.test("the message for a missing or conflicting daemon names the workspace", () => {
  assert.deepEqual([daemonMissing("/w").message, daemonMissing(null).message], [
    "no daemon runs in /w",
    "no daemon runs in this workspace",
  ]);
  const running = daemonRunning("/w", 42, { hint: "nerve stop", detail: "it hangs" });
  assert.deepEqual([running.code, running.message], [
    "DAEMON_RUNNING",
    "a daemon already runs in /w (pid 42); it hangs",
  ]);
});
