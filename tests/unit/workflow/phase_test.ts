import assert from "node:assert/strict";
import { enterPhase, type Phase, phaseMoves, type PhaseTag } from "../../../src/workflow/local/phase.ts";

const tags = Object.keys(phaseMoves) as PhaseTag[];

function entryIn(phase: Phase): { phase: Phase; run: { runId: string } } {
  return { phase, run: { runId: "r1" } };
}

Deno.test("enterPhase() makes a legal move, and throws at an illegal one as a bug of nerve", () => {
  const entry = entryIn({ tag: "queued" });
  enterPhase(entry, { tag: "starting" });
  assert.equal(entry.phase.tag, "starting");
  assert.throws(() => enterPhase(entry, { tag: "queued" }), /run r1 cannot go from starting to queued/);
  assert.equal(entry.phase.tag, "starting");
});

Deno.test("every phase can be reached from the first, or after the end, and a run can end from every phase before it", () => {
  const after: readonly PhaseTag[] = ["unclosed", "closing"], reached = new Set<PhaseTag>(["creating", "unclosed"]);
  for (const tag of reached) for (const to of phaseMoves[tag]) reached.add(to);
  assert.deepEqual([...reached].sort(), [...tags].sort());
  assert.deepEqual(tags.filter((tag) => !phaseMoves[tag].includes("ending")), after);
});

Deno.test("no run is given to a process unless its attempt is on disk", () => {
  const before = tags.filter((tag) => phaseMoves[tag].includes("running"));
  assert.deepEqual(before, ["unassigned", "writing", "probing", "moving"]);
});
