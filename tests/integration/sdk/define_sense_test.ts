/** A sense that `defineSense` made, in its sandbox: the loader takes it like any module that exports `compute`. */
import assert from "node:assert/strict";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const inbox = `import { defineSense, option } from "nerve";
export const { compute } = defineSense({
  config: { most: option.number(10) },
  compute: ({ db, config: { most } }) => {
    const hasDatabase = typeof db.run === "function";
    return most > 5 ? { most, hasDatabase } : { most, workflow: { name: "tidy", prompt: "too many files", maxRounds: 3 } };
  },
});`;
const bare = `import { defineSense } from "nerve";
export const { compute } = defineSense({ compute: ({ name, config }) => ({ name, config }) });`;
const tidy = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { sort: ({ start }) => ({ content: start.prompt, meta: { payload: start.payload, cap: start.maxRounds } }) },
  moderator: ({ messages }) => messages.length === 0 ? "sort" : END,
});`;

Deno.test("a sense made by defineSense signals, starts a run, and reports a wrong setting", async () => {
  await using workspace = await startWorkspace({
    senses: { inbox, bare },
    workflows: { tidy },
    yaml: {
      senses: { inbox: {}, bare: { config: { a: 1 } }, full: {}, wrong: {} },
      workflows: { tidy: {} },
    },
    files: {
      "senses/full/index.ts": inbox.replace("option.number(10)", "option.number(2)"),
      "senses/wrong/index.ts": inbox.replace("option.number(10)", "option.text()"),
    },
  });
  assert.deepEqual(await workspace.payload("inbox"), { most: 10, hasDatabase: true });
  assert.deepEqual(await workspace.payload("bare"), { name: "bare", config: { a: 1 } });
  const result = await workspace.trigger("full");
  assert.equal(result.kind === "run" && result.workflow, "tidy");
  const { code, message } = await workspace.failure("wrong");
  assert.deepEqual([code, message], ["throw", "config.most is missing"]);
});
