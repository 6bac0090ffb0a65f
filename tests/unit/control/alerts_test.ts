import assert from "node:assert/strict";
import { createApp } from "../../../src/control/app.ts";
import { alertsSchema, alertViewSchema } from "../../../src/protocol/alert.ts";
import { FakeView } from "../../support/fake_view.ts";

function setUp() {
  const view = new FakeView(),
    app = createApp(view, { version: "0.1.0", stop: () => {}, report: (thrown) => assert.fail(String(thrown)) });
  const post = (path: string, body: unknown) =>
    app.request(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  return { view, app, post };
}

Deno.test("GET /v1/alerts lists all, GET /v1/alerts/:name shows one", async () => {
  const { app } = setUp();
  const list = await app.request("/v1/alerts"), one = await app.request("/v1/alerts/disk-full");
  assert.equal(alertsSchema.parse(await list.json()).items.length, 1);
  assert.equal(alertViewSchema.parse(await one.json()).name, "disk-full");
  const none = await app.request("/v1/alerts/none");
  assert.deepEqual([none.status, (await none.json()).code], [404, "ALERT_UNKNOWN"]);
});

Deno.test("silence, unsilence and ack pass on what was asked for", async () => {
  const { view, post } = setUp();
  for (
    const [action, body] of [["silence", { forMs: 1_000, key: "/" }], ["unsilence", {}], ["ack", {
      by: "ada",
    }]] as const
  ) {
    const answer = await post(`/v1/alerts/disk-full/${action}`, body);
    assert.deepEqual([answer.status, await answer.json()], [200, { changed: 1 }]);
    assert.deepEqual(view.requests.at(-1), { [action]: "disk-full", ...body });
  }
});

Deno.test("a request that cannot be meant is refused", async () => {
  const { post } = setUp();
  const bad: [string, unknown][] = [["silence", {}], ["silence", { forMs: 0 }], ["silence", { forMs: 1, more: 1 }], [
    "ack",
    { by: "" },
  ]];
  for (const [action, body] of bad) assert.equal((await post(`/v1/alerts/disk-full/${action}`, body)).status, 400);
});
