/** The routes of senses. */
import assert from "node:assert/strict";
import { triggerReplySchema } from "../../../src/protocol/api.ts";
import { apiBench } from "../../support/api_bench.ts";

Deno.test("a trigger is answered at once, or with its outcome when it shall wait", async () => {
  const { post, view } = apiBench();
  view.result = { kind: "signal", signal: { id: 13, sense: "cpu-usage", payload: 1, ts: 2 } };
  const now = triggerReplySchema.parse(await (await post("/v1/senses/cpu-usage/trigger", "")).json());
  assert.deepEqual(now, { computeId: 7, how: "started", until: null, outcome: null });
  const waited = triggerReplySchema.parse(await (await post("/v1/senses/cpu-usage/trigger?wait=1", "")).json());
  assert.deepEqual(waited.outcome, view.result);
});

Deno.test("a request that waits for a compute is answered without its outcome when the API stops", async () => {
  const { post, view, stopping } = apiBench();
  const outcome = () => new Promise<never>(() => {}), recorded = () => Promise.resolve();
  view.triggerSense = () => ({ computeId: 7, how: "started", until: null, outcome, recorded });
  const answer = post("/v1/senses/cpu-usage/trigger?wait=1", "");
  await Promise.resolve();
  stopping.abort();
  assert.equal(triggerReplySchema.parse(await (await answer).json()).outcome, null);
});
