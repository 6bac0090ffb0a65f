/** Requests for runs: what is valid, what is stored, and when two requests mean the same run. */
import assert from "node:assert/strict";
import { maxRoundsMax, payloadMaxBytes, promptMaxBytes } from "../../../src/base/limits.ts";
import { toStorableText } from "../../../src/base/storable_text.ts";
import type { RunRequest } from "../../../src/workflow/engine.ts";
import { checkRequest, createRun, findDifference, toRunStart } from "../../../src/workflow/local/run_request.ts";
import { defaults } from "../../support/workflow_bench.ts";

const request: RunRequest = {
  workflow: "w",
  prompt: "go",
  payload: { a: [1] },
  maxRounds: null,
  runId: "mine",
  trigger: { kind: "manual" },
  causeId: 7,
};

Deno.test("checkRequest() copies the payload, so that its caller cannot change a run that was accepted", () => {
  const checked = checkRequest(request);
  assert.deepEqual(checked, request);
  assert.notEqual(checked.payload, request.payload);
});

Deno.test("checkRequest() accepts values at a limit, and rejects values one above it", () => {
  const fits = {
    maxRounds: maxRoundsMax,
    prompt: "x".repeat(promptMaxBytes),
    payload: "x".repeat(payloadMaxBytes - 2),
  };
  assert.equal(checkRequest({ ...request, ...fits }).maxRounds, maxRoundsMax);
  const wrong: Partial<RunRequest>[] = [
    { runId: "" },
    { runId: "a/b" },
    { runId: "-a" },
    { runId: "a".repeat(129) },
    { prompt: `${fits.prompt}x` },
    { prompt: "\u20ac".repeat(promptMaxBytes / 3 + 1) },
    { maxRounds: 0 },
    { maxRounds: 1.5 },
    { maxRounds: maxRoundsMax + 1 },
    { payload: `${fits.payload}x` },
    { payload: undefined as never },
  ];
  for (const part of wrong) {
    assert.throws(() => checkRequest({ ...request, ...part }), { code: "PAYLOAD_INVALID" }, JSON.stringify(part));
  }
});

Deno.test("toStorableText() replaces what SQLite would not return: NUL and half a surrogate pair", () => {
  assert.equal(toStorableText("a\0b\ud800c"), "a\ufffdb\ufffdc");
  assert.equal(toStorableText("plain \u{1f600}"), "plain \u{1f600}");
});

Deno.test("createRun() makes a started, queued or dropped run as decided, with its times and reason", () => {
  const made = (decision: Parameters<typeof createRun>[3]) => {
    const { status, attempt, startedAt, endedAt, reason } = createRun(request, "id", defaults, decision, 5);
    return { status, attempt, startedAt, endedAt, reason };
  };
  const waiting = { attempt: 0, startedAt: null, endedAt: null, reason: null };
  assert.deepEqual(made({ kind: "start" }), { ...waiting, status: "started", attempt: 1, startedAt: 5 });
  assert.deepEqual(made({ kind: "queue" }), { ...waiting, status: "queued" });
  const dropped = made({ kind: "drop", reason: "full" });
  assert.deepEqual(dropped, { ...waiting, status: "dropped", endedAt: 5, reason: "full" });
});

Deno.test("createRun() takes maxRounds from the request, else from the workflow", () => {
  const rounds = (maxRounds: number | null) =>
    createRun({ ...request, maxRounds }, "id", defaults, { kind: "queue" }, 0).maxRounds;
  assert.deepEqual([rounds(3), rounds(null)], [3, defaults.maxRounds]);
});

Deno.test("findDifference() names the first input that differs, and accepts any maxRounds when none was requested", () => {
  const run = createRun({ ...request, maxRounds: 5 }, "mine", defaults, { kind: "start" }, 0);
  assert.equal(findDifference(run, { ...request, maxRounds: 5 }), null);
  assert.equal(findDifference(run, request), null);
  assert.equal(findDifference(run, { ...request, maxRounds: 6 }), "maxRounds");
  assert.equal(findDifference(run, { ...request, workflow: "v" }), "workflow");
  assert.equal(findDifference(run, { ...request, prompt: "stop" }), "prompt");
  assert.equal(findDifference(run, { ...request, payload: { a: [2] } }), "payload");
});

Deno.test("findDifference() compares payloads as JSON: neither -0 nor a missing prototype counts", () => {
  const run = createRun({ ...request, payload: { z: -0, a: 1 } }, "mine", defaults, { kind: "start" }, 0);
  const payload = Object.assign(Object.create(null), { a: 1, z: 0 });
  assert.equal(findDifference(run, { ...request, payload }), null);
});

Deno.test("toRunStart() contains no attempts, times or log ids", () => {
  const run = createRun(request, "mine", defaults, { kind: "start" }, 0);
  assert.deepEqual(Object.keys(toRunStart(run)).sort(), [
    "maxRounds",
    "payload",
    "prompt",
    "runId",
    "trigger",
    "workflow",
  ]);
});
