/** What directory-watch reports about a folder, compute by compute. */
import assert from "node:assert/strict";
import { findChanges, type KnownFile } from "../../../senses/directory-watch/changes.ts";
import { createNameTest } from "../../../senses/directory-watch/listing.ts";

/** Compares one state of the folder after the other: name to size, at a time in seconds. */
function look(looks: readonly { at: number; files: Record<string, number> }[], settle = 10): string[] {
  let known = new Map<string, KnownFile>(), isFirst = true;
  return looks.map(({ at, files }) => {
    const now = Object.entries(files).map(([path, bytes]) => ({ path, bytes, modifiedMs: bytes, inode: 1 }));
    const changes = findChanges(known, now, { nowMs: at * 1_000, settleMs: settle * 1_000, isFirst });
    known = new Map(changes.known.map((each) => [each.path, each]));
    isFirst = false;
    const { added, changed, removed, growing } = changes;
    return `+${added} ~${changed} -${removed} ${growing}`;
  });
}

Deno.test("findChanges() tells nothing at the first look, then what is new, changed and gone, each once", () => {
  const told = look([
    { at: 0, files: { a: 1 } },
    { at: 1, files: { a: 1, b: 1 } },
    { at: 2, files: { a: 2, b: 1 } },
    { at: 3, files: { b: 1 } },
    { at: 4, files: { b: 1 } },
  ], 0);
  assert.deepEqual(told, ["+ ~ - 0", "+b ~ - 0", "+ ~a - 0", "+ ~ -a 0", "+ ~ - 0"]);
});

Deno.test("findChanges() waits for a file that grows, and does not miss one that was never told", () => {
  const told = look([
    { at: 0, files: {} },
    { at: 5, files: { a: 1, b: 1 } },
    { at: 12, files: { a: 2 } },
    { at: 20, files: { a: 2 } },
    { at: 22, files: { a: 2 } },
    { at: 23, files: { a: 3 } },
    { at: 33, files: { a: 3 } },
  ]);
  assert.deepEqual(told, ["+ ~ - 0", "+ ~ - 2", "+ ~ - 1", "+ ~ - 1", "+a ~ - 0", "+ ~ - 1", "+ ~a - 0"]);
});

Deno.test("findChanges() tells that a file is gone which had been told and was growing again", () => {
  const told = look([{ at: 0, files: { a: 1 } }, { at: 1, files: { a: 2 } }, { at: 2, files: {} }]);
  assert.deepEqual(told, ["+ ~ - 0", "+ ~ - 1", "+ ~ -a 0"]);
});

Deno.test("findChanges() waits once more, and no longer, after the clock was set back", () => {
  const told = look([{ at: 100, files: {} }, { at: 105, files: { a: 1 } }, { at: 6, files: { a: 1 } }, {
    at: 16,
    files: { a: 1 },
  }]);
  assert.deepEqual(told, ["+ ~ - 0", "+ ~ - 1", "+ ~ - 1", "+a ~ - 0"]);
});

Deno.test("createNameTest() knows * and ?, and takes the rest as it is", () => {
  const fits = createNameTest("a?.*(1)");
  assert.ok(fits("ab.x(1)") && fits("a..\n(1)"));
  assert.ok(!fits("ab.x1") && !fits("xab.x(1)") && !fits("a.x(1)"));
});
