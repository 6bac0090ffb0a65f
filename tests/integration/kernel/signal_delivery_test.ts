/**
 * A listener hears every signal: across a restart, a death of its process, and code that does not load. Observed through
 * the whole kernel. Danger: a signal that nobody ever hears.
 */
import assert from "node:assert/strict";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const source = "let n = 0;\nexport const compute = () => ({ n: ++n, at: crypto.randomUUID() });";
const hearing = `export const compute = ({ trigger }) => trigger.signals.map(({ id }) => id);`;
const yaml = { senses: { source: {}, ear: {} }, reflexes: [{ sense: "ear", on: ["source"] }] };

/** The ids that the listener has told that it heard, in its order. */
async function heard(workspace: WorkspaceFixture): Promise<number[]> {
  const rows = await workspace.rows({ source: "sense:ear", type: "sense.signal" });
  return rows.flatMap(({ payload }) => (payload as { payload: number[] }).payload);
}

async function told(workspace: WorkspaceFixture): Promise<number[]> {
  return (await workspace.rows({ source: "sense:source", type: "sense.signal" })).map(({ id }) => id);
}

async function hearsAll(workspace: WorkspaceFixture): Promise<void> {
  const last = (await told(workspace)).at(-1) ?? assert.fail("nothing was told");
  const hears = (event: KernelEvent) =>
    event.kind === "signal" && event.signal.sense === "ear" && (event.signal.payload as number[]).includes(last);
  await workspace.waitFor(hears, `row ${last} to be heard`);
  assert.deepEqual(await heard(workspace), await told(workspace));
}

Deno.test("signals of a time in which the listener did not load, or had no process, are heard afterwards, in order", async () => {
  await using workspace = await startWorkspace({ yaml, senses: { source, ear: "this is no code" } });
  for (let n = 0; n < 3; n++) await workspace.payload("source");
  workspace.write("senses/ear/index.ts", hearing);
  await workspace.kernel.api.reload();
  await hearsAll(workspace);
  await workspace.payload("source");
  await hearsAll(workspace);
  Deno.kill(workspace.pid("ear"), "SIGKILL");
  for (let n = 0; n < 3; n++) await workspace.payload("source");
  await hearsAll(workspace);
});

long.test("signals that were told just before a stop are heard after the next start", async () => {
  const slow = `export async function compute({ trigger, signal }) {
    await new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  }`;
  await using workspace = await startWorkspace({ yaml, senses: { source, ear: slow } });
  for (let n = 0; n < 3; n++) await workspace.payload("source");
  await workspace.stop();
  workspace.write("senses/ear/index.ts", hearing);
  await workspace.start();
  await hearsAll(workspace);
});
