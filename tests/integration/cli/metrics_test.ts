/** `nerve metrics` and `GET /v1/metrics` of a real daemon. */
import assert from "node:assert/strict";
import { serveWorkspace } from "../../support/served_workspace.ts";

Deno.test("metrics follow what the daemon does, by the command and by the route", async () => {
  await using served = await serveWorkspace({ senses: { a: "export const compute = () => 1;" } });
  for (let n = 0; n < 2; n++) assert.equal((await served.nerve("sense", "trigger", "a", "--wait")).code, 0);
  const { code, out, err } = await served.nerve("metrics");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^nerve_sense_computes_total\{sense="a",outcome="signal"\} 2$/m);
  assert.match(out, /^nerve_unit_resident_memory_bytes\{unit="group:a"\} \d{8,}$/m);
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: served.socket } });
  const answer = await fetch("http://localhost/v1/metrics", { client });
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const volatile = /^nerve_unit_resident_memory_bytes.*\n/mg;
  assert.equal((await answer.text()).replaceAll(volatile, ""), out.replaceAll(volatile, ""));
  await served.stop();
  assert.equal((await served.nerve("metrics")).code, 3);
});
