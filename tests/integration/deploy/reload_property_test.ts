/**
 * Random edits of a running workspace end in the same state as a fresh start on the same files: in the views, and in
 * the answers of the code. NERVE_RELOAD_RUNS sets the number of runs.
 */
import { isDeepStrictEqual } from "node:util";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { configured, type Edit, ReloadWorld } from "../../support/reload_world.ts";
import { startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const name = fc.constantFrom("a", "b", "c", "d"), version = fc.nat(9);
const how = fc.constantFrom("write", "rename", "folder");
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("sense"), name, version, usesLib: fc.boolean(), how }),
  fc.record({ kind: fc.constant("break"), name, how }),
  fc.record({ kind: fc.constant("remove"), name }),
  fc.record({
    kind: fc.constant("entry"),
    name,
    group: fc.constantFrom("a", "b", "g"),
    interval: fc.integer({ min: 1_000, max: 9_000 }),
    x: fc.nat(3),
  }),
  fc.record({ kind: fc.constant("lib"), version, how }),
  fc.record({ kind: fc.constant("workflow"), version, concurrency: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("no workflow") }),
  fc.record({ kind: fc.constant("wrong yaml") }),
  fc.record({ kind: fc.constant("pause"), ms: fc.constantFrom(5, 40, 120, 300) }),
) as fc.Arbitrary<Edit>;

/** The views, and the answers of each sense and of the workflow. */
async function state(workspace: WorkspaceFixture): Promise<unknown> {
  const { api } = workspace.kernel, answers: Record<string, unknown> = {};
  for (const { name } of api.senses()) answers[name] = await orCode(senseAnswer(workspace, name));
  for (const { name } of api.workflows()) answers[`workflow ${name}`] = await orCode(workflowAnswer(workspace, name));
  return { answers, ...configured(workspace) as object };
}

async function senseAnswer(workspace: WorkspaceFixture, name: string): Promise<unknown> {
  const result = await workspace.trigger(name);
  return result.kind === "signal" ? result.signal.payload : result.kind;
}

async function workflowAnswer({ kernel }: WorkspaceFixture, name: string): Promise<unknown> {
  const { runId } = await kernel.startWorkflow(name);
  await kernel.api.runEnded(runId, new AbortController().signal);
  return kernel.api.records.messages(runId, { limit: 9 }).map(({ content }) => content);
}

/** The reload continues while answers are collected: a listed sense may be gone before its turn comes. */
async function orCode(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (thrown) {
    if (thrown instanceof NerveError) return thrown.code;
    throw thrown;
  }
}

async function endsAsFresh(edits: readonly Edit[]): Promise<void> {
  await using workspace = await startWorkspace({ watch: true });
  const world = new ReloadWorld(workspace);
  for (const each of edits) await world.edit(each);
  world.settle();
  await using fresh = await world.fresh();
  const expected = await state(fresh);
  let found: unknown;
  const settled = async () => {
    while (!isDeepStrictEqual(found = await state(workspace), expected)) await delay(systemClock, 50);
  };
  await within(settled(), "the state of a fresh start", () => {
    return `${JSON.stringify(expected)}\n${JSON.stringify(found)}\n${JSON.stringify(edits)}`;
  });
}

scaled.test("random edits end in the same state as a fresh start", async () => {
  const numRuns = Number(Deno.env.get("NERVE_RELOAD_RUNS") ?? (isLong ? 4 : 1));
  const edits = fc.array(edit, { minLength: 3, maxLength: 20 });
  await fc.assert(fc.asyncProperty(edits, endsAsFresh), {
    numRuns,
    // Every run takes half a second or thirty: a smaller example is not worth hours.
    endOnFailure: true,
  });
});
