/**
 * What a sense kept in its outbox is recorded once, however often it is delivered. The test plays the log, the runs and
 * the process. Danger: a second run for one directive, or a value that is dropped because it seems known.
 */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import type { Json } from "../../../src/protocol/json.ts";
import { createSenseRecord } from "../../../src/sensing/compute_record.ts";
import { OutputRecorder } from "../../../src/sensing/output_recorder.ts";
import { TakenOutcomes } from "../../../src/sensing/taken_outcomes.ts";

const sense = "disk", keys = ["01J00000000000000000000000", "01J00000000000000000000001"];

function setUp() {
  const stored = new Map<string, string>(), rows: string[] = [], runs: string[] = [], failures: string[] = [];
  const fault: { signal: string | null; run: NerveError | null } = { signal: null, run: null };
  const record = createSenseRecord({ sense, unit: "group:disk", timeoutMs: 1, gracePeriodMs: 1 });
  const open = () => {
    const setAll = (values: readonly (readonly [string, string])[]) => values.forEach(([k, v]) => stored.set(k, v));
    return new OutputRecorder({
      append: (row, values = []) => {
        rows.push(row.type);
        if (fault.signal === null) setAll(values);
        return { ...row, id: rows.length, ts: 0 };
      },
      publisher: { publish: () => Promise.resolve(fault.signal) },
      taken: new TakenOutcomes({ get: (key) => stored.get(key) ?? null, setAll }),
      isWorkflow: () => true,
      isRun: (runId) => runs.includes(runId),
      startRun: (_, __, ___, ____, runId) => {
        if (fault.run !== null) return Promise.reject(fault.run);
        runs.push(runId ?? assert.fail());
        return Promise.resolve({ runId: runId ?? "" });
      },
      reportProblem: () => {},
      fail: (_, message) => {
        failures.push(message);
        return { kind: "error", code: "output", message, place: null };
      },
    });
  };
  const deliver = (recorder: OutputRecorder, key: string | undefined, value: Json) =>
    recorder.take(record, {
      t: "undelivered",
      sense,
      key: key ?? "",
      compute: 1,
      trigger: "cron",
      causeId: null,
      value,
    });
  return { rows, runs, failures, fault, record, open, deliver };
}

Deno.test("a signal is recorded once, also after a restart, and the next one again", async () => {
  const { rows, open, deliver } = setUp(), first = open();
  for (let n = 0; n < 2; n++) assert.equal(await deliver(first, keys[0], { n: 1 }), null);
  const second = open();
  assert.equal(await deliver(second, keys[0], { n: 1 }), null);
  assert.deepEqual(rows, ["sense.signal"]);
  assert.equal(await deliver(second, keys[1], { n: 2 }), null);
  assert.deepEqual(rows, ["sense.signal", "sense.signal"]);
});

Deno.test("a directive starts one run, also when its key was not stored before the daemon died", async () => {
  const { rows, runs, open, deliver } = setUp();
  runs.push(keys[0] ?? "");
  assert.equal(await deliver(open(), keys[0], { workflow: "tidy|1|go" }), null);
  assert.deepEqual(rows, []);
  assert.equal(await deliver(open(), keys[1], { workflow: "tidy|1|go" }), null);
  assert.deepEqual([rows, runs], [["sense.directive"], keys]);
});

Deno.test("what the disk did not take is not taken, and is tried again; another fault is final", async () => {
  const { runs, fault, failures, open, deliver } = setUp(), recorder = open();
  fault.signal = "the disk is full";
  assert.match(await deliver(recorder, keys[0], 1) ?? "", /the disk is full/);
  fault.signal = null;
  assert.equal(await deliver(recorder, keys[0], 1), null);
  fault.run = new NerveError("STORE_FAILED", "the disk is full");
  assert.match(await deliver(recorder, keys[1], { workflow: "tidy|1|go" }) ?? "", /the disk is full/);
  fault.run = new NerveError("PAYLOAD_INVALID", "too large");
  assert.equal(await deliver(recorder, keys[1], { workflow: "tidy|1|go" }), null);
  assert.deepEqual([runs, failures.length], [[], 3]);
});

Deno.test("the next compute waits for a kept value and for a run, not for a signal that nobody keeps", () => {
  const { record, open } = setUp(), recorder = open();
  const holds = (value: Json, key: string | null) =>
    recorder.record(record, value, { compute: 1, trigger: "cron", causeId: null, key }, false).holds;
  assert.deepEqual([holds(1, null), holds(1, keys[0] ?? null), holds({ workflow: "tidy|1|go" }, keys[1] ?? null)], [
    false,
    true,
    true,
  ]);
});
