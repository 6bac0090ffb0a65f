/** The legal moves of a run's status. */
import assert from "node:assert/strict";
import { runStatusSchema } from "../../../src/protocol/run.ts";
import {
  firstMoves,
  isLegalMove,
  isTerminal,
  moves,
  renderStateDiagram,
  sourcesOf,
} from "../../../src/workflow/transitions.ts";

Deno.test("a run ends in one of six ways, and no end can be left", () => {
  const ends = runStatusSchema.options.filter(isTerminal);
  assert.deepEqual(ends, ["completed", "failed", "killed", "crashed", "interrupted", "dropped"]);
  for (const end of ends) for (const to of runStatusSchema.options) assert.ok(!isLegalMove(end, to), `${end} -> ${to}`);
});

Deno.test("every status can be reached, and only a started run can end through its roles", () => {
  const reached = new Set(Object.keys(firstMoves));
  for (const ways of Object.values(moves)) for (const to of Object.keys(ways)) reached.add(to);
  assert.deepEqual([...reached].sort(), [...runStatusSchema.options].sort());
  for (const end of ["completed", "crashed"] as const) assert.deepEqual(sourcesOf(end), ["started"]);
  assert.deepEqual(sourcesOf("failed"), ["started", "waiting"], "a person may say so of a role with an unknown end");
  assert.deepEqual(sourcesOf("killed"), ["queued", "started", "waiting", "paused"]);
  assert.deepEqual(sourcesOf("dropped"), ["queued"]);
});

Deno.test("the state diagram has an arrow for every legal move and no other", () => {
  const arrows = renderStateDiagram().split("\n").slice(1).map((line) => /^ {2}(\S+) --> (\S+)( : .+)?$/.exec(line));
  assert.ok(arrows.every((arrow) => arrow !== null));
  const between = arrows.filter((arrow) => arrow?.[1] !== "[*]" && arrow?.[2] !== "[*]");
  assert.equal(between.length, Object.values(moves).flatMap((ways) => Object.keys(ways)).length);
  assert.ok(renderStateDiagram().startsWith("stateDiagram-v2\n"));
});
