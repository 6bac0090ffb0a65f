/** The state diagram of docs/workflows.md is generated from the table of transitions and never drawn by hand. */
import assert from "node:assert/strict";
import { firstMoves, moves, renderStateDiagram } from "../../src/workflow/transitions.ts";
import { readSource } from "../support/source_files.ts";

Deno.test("docs/workflows.md shows the run states of src/workflow/transitions.ts", () => {
  const [, shown] = /<!-- states of a run -->\n```mermaid\n([\s\S]*?)\n```\n/.exec(readSource("docs/workflows.md")) ??
    [];
  assert.equal(shown, renderStateDiagram());
});

Deno.test("no text of the state diagram contains Mermaid syntax", () => {
  const words = [firstMoves, ...Object.values(moves)].flatMap((ways) => Object.values(ways));
  assert.ok(words.length > 10);
  assert.deepEqual(words.filter((word) => /[:;"]/.test(word)), []);
});
