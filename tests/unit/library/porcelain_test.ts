import assert from "node:assert/strict";
import { filesMax, parseStatus } from "../../../senses/git-status/porcelain.ts";
import fc from "../../support/fast_check.ts";

const oid = "9d524e9".padEnd(40, "0");

Deno.test("parseStatus() reads headers and every kind of entry, and does not count the old name of a rename", () => {
  const text = [
    `# branch.oid ${oid}`,
    "# branch.head feature/x y",
    "# branch.upstream origin/main",
    "# branch.ab +12 -3",
    `1 MM N... 100644 100644 100644 ${oid} ${oid} both sides`,
    `2 R. N... 100644 100644 100644 ${oid} ${oid} R100 new name`,
    "? the old name that looks untracked",
    `u UU N... 100644 100644 100644 100644 ${oid} ${oid} ${oid} fought over`,
    "? fresh",
    "",
  ].join("\0");
  assert.deepEqual(parseStatus(text), {
    branch: "feature/x y",
    commit: oid,
    upstream: "origin/main",
    ahead: 12,
    behind: 3,
    dirty: 4,
    staged: 2,
    modified: 1,
    untracked: 1,
    conflicted: 1,
    files: ["both sides", "new name", "fought over", "fresh"],
  });
});

Deno.test("parseStatus() recognizes a detached head, a repository without commits, and a missing upstream", () => {
  const status = parseStatus("# branch.oid (initial)\0# branch.head (detached)\0# branch.upstream origin/gone\0");
  assert.deepEqual(
    [status.branch, status.commit, status.upstream, status.ahead, status.behind],
    [null, null, "origin/gone", null, null],
  );
});

Deno.test("parseStatus() keeps any file name as it is and counts every file", () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !text.includes("\0"));
  fc.assert(fc.property(fc.array(name, { maxLength: 80 }), (names) => {
    const status = parseStatus(names.map((each) => `? ${each}\0`).join(""));
    assert.deepEqual([status.dirty, status.untracked], [names.length, names.length]);
    assert.deepEqual(status.files, names.slice(0, filesMax));
  }));
});

Deno.test("parseStatus() rejects an entry of an unknown kind", () => {
  assert.throws(() => parseStatus("9 what is this\0"), /unexpected/);
});
