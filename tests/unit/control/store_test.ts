/** POST /v1/store/archive: what it requests from the kernel, and what it rejects. */
import assert from "node:assert/strict";
import { createApp } from "../../../src/control/app.ts";
import { archiveReplySchema } from "../../../src/protocol/api.ts";
import { problemSchema } from "../../../src/protocol/problem.ts";
import { FakeView } from "../../support/fake_view.ts";

Deno.test("POST /v1/store/archive passes on the day and the dry run, and rejects anything else", async () => {
  const view = new FakeView(), app = createApp(view, { version: "9.9.9", stop: () => {}, report: () => {} });
  const post = (body: unknown) =>
    app.request("/v1/store/archive", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  const answer = await post({ before: "2026-02-01", dryRun: true });
  const reply = archiveReplySchema.parse(await answer.json());
  assert.deepEqual([reply.rows, reply.held, reply.dryRun], [3, 1, true]);
  await post({});
  assert.deepEqual(view.requests, [{ archive: { before: "2026-02-01", dryRun: true } }, { archive: {} }]);
  for (const wrong of [{ before: "yesterday" }, { vacuum: true }, []]) {
    const refused = await post(wrong);
    assert.deepEqual([refused.status, problemSchema.parse(await refused.json()).code], [400, "PAYLOAD_INVALID"]);
  }
  assert.equal(view.requests.length, 2);
});
