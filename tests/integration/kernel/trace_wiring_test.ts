/** Traces of a real daemon, at a real receiver: what caused what, and that a receiver that hangs delays nothing. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { type ReceivedSpan, serveReceiver } from "../../support/trace_receiver.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const senses = {
  meter: `export const compute = () => ({ used: 0.9, workflow: { name: "tidy", maxRounds: 5, prompt: "tidy" } });`,
  broken: "export const compute = () => { throw new Error('no such disk: ' + Deno.env.get('DISK_TOKEN')); };",
};
const workflows = {
  tidy: `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({ roles: { scan: () => ({ content: "3", meta: {} }), sweep: () => ({ content: "done", meta: {} }) },
      moderator: ({ messages }) => ["scan", "sweep"][messages.length] ?? END });`,
};

/** Variables of this process, as those of a daemon. */
async function withVariables<T>(variables: Record<string, string>, run: () => Promise<T>): Promise<T> {
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
  }
}

const attributesOf = ({ attributes }: ReceivedSpan): Record<string, unknown> =>
  Object.fromEntries(
    (attributes as { key: string; value: Record<string, unknown> }[]).map((
      { key, value },
    ) => [key, Object.values(value)[0]]),
  );

Deno.test("a run that a compute started is in its trace, with a span of each role, and secrets are masked", async () => {
  await using receiver = serveReceiver();
  await withVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.base, DISK_TOKEN: "hunter2-token" }, async () => {
    await using workspace = await startWorkspace({
      yaml: { senses: { meter: {}, broken: { permissions: { env: ["DISK_TOKEN"] } } }, workflows: { tidy: {} } },
      senses,
      workflows,
    });
    assert.equal((await workspace.kernel.triggerSense("meter")).kind, "run");
    await workspace.run("completed");
    assert.equal((await workspace.kernel.triggerSense("broken")).kind, "error");
    await workspace.kernel.api.recorded();
    await workspace.stop();
  });
  const spans = receiver.spans(), named = (name: string) => spans.filter((span) => span.name === name);
  const [compute] = named("compute meter"),
    [run] = named("run tidy"),
    [scan] = named("role scan"),
    [sweep] = named("role sweep");
  assert.ok(
    compute !== undefined && run !== undefined && scan !== undefined && sweep !== undefined,
    JSON.stringify(spans),
  );
  assert.equal(new Set([compute, run, scan, sweep].map(({ traceId }) => traceId)).size, 1);
  assert.deepEqual([run.parentSpanId, scan.parentSpanId, sweep.parentSpanId], [compute.spanId, run.spanId, run.spanId]);
  assert.equal(attributesOf(compute)["nerve.outcome"], "run");
  assert.equal(attributesOf(run)["nerve.status"], "completed");
  assert.equal(attributesOf(sweep)["nerve.round"], "2");
  assert.ok(Number(sweep.startTimeUnixNano) >= Number(scan.startTimeUnixNano));
  const [broken] = named("compute broken");
  assert.match(JSON.stringify(broken?.status), /"code":2,"message":"no such disk/);
  assert.equal(receiver.requests.some(({ body }) => body.includes("hunter2")), false);
});

long.test("a receiver that never answers delays no compute, and a stop waits for it only for a moment", async () => {
  const sockets: Deno.Conn[] = [];
  const deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const socket of deaf) sockets.push(socket);
  })();
  await withVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${deaf.addr.port}` }, async () => {
    await using workspace = await startWorkspace({
      yaml: { senses: { a: {} } },
      senses: { a: "export const compute = () => null;" },
    });
    for (let n = 0; n < 50; n++) assert.equal((await workspace.kernel.triggerSense("a")).kind, "null");
    await workspace.stop();
  });
  deaf.close();
  for (const socket of sockets) socket.close();
  await accepting;
});

long.test("without the variable nothing is sent and nothing counted", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { a: {} } },
    senses: { a: "export const compute = () => null;" },
  });
  await workspace.kernel.triggerSense("a");
  assert.equal("spans_sent" in workspace.kernel.health().counters, false);
});
