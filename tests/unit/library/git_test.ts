/** What git-build reads from git status. */
import assert from "node:assert/strict";
import { parseGitStatus } from "../../../workflows/git-build/git.ts";

Deno.test("parseGitStatus() counts changed files, whatever their names, and knows a detached HEAD", () => {
  const entries = ["# branch.oid 1", "# branch.head main", "# branch.upstream origin/main", "# branch.ab +1 -2"];
  const files = [
    "1 .M N... 100644 100644 100644 a b 2 file",
    "2 R. N... 1 1 1 a b R100 new",
    "1 old name",
    "u UU x",
    "",
  ];
  assert.deepEqual(parseGitStatus([...entries, ...files].join("\0")), {
    branch: "main",
    upstream: "origin/main",
    changed: 4,
  });
  assert.deepEqual(parseGitStatus("# branch.oid 1\0# branch.head (detached)\0"), {
    branch: null,
    upstream: null,
    changed: 0,
  });
});
