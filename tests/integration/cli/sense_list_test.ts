/** `nerve sense list` with a daemon behind the real API. */
import assert from "node:assert/strict";
import { withDaemon } from "../../support/fake_daemon.ts";
import { aSense } from "../../support/api_views.ts";
import { nerve } from "../../support/in_process_nerve.ts";

Deno.test("sense list shows the live state, and the same in JSON", async () => {
  await withDaemon(async (root, view) => {
    view.sensesByName.set("bad", aSense({ name: "bad", lastCompute: null, problem: "cannot be loaded: x\x1b[2J" }));
    const text = await nerve(root, "sense", "list");
    assert.equal(text.code, 0);
    assert.match(text.out, /🟢 {2}cpu-usage +system .* signal, .* 3 +1 +0 +2 null, 1 throttled/);
    assert.match(text.out, /🔴 bad: cannot be loaded: x\\u001b\[2J/);
    const { daemon, items } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    assert.equal(daemon, true);
    assert.deepEqual(items[0], aSense());
  });
});
