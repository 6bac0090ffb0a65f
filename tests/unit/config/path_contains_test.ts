/** Which paths a grant of a path covers. Danger: a wrong answer is a hole in the sandbox. */
import assert from "node:assert/strict";
import { pathContains } from "../../../src/config/permissions/path_contains.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a folder contains itself and everything in it, in every spelling", () => {
  for (const path of ["/a/b", "/a/b/", "/a/b/c", "/a/b/..c", "/a/b/c/../d", "/a/x/../b/c"]) {
    assert.ok(pathContains("/a/b", path), path);
  }
  assert.ok(pathContains("/", "/etc/passwd"));
});

Deno.test("a folder contains neither what is above it nor a neighbour whose name begins alike", () => {
  for (const path of ["/a", "/", "/a/bc", "/a/b/../c", "/a/b/../../a/c"]) assert.ok(!pathContains("/a/b", path), path);
});

Deno.test("for any folders: what a folder contains, every folder above it contains too", () => {
  const path = fc.array(fc.constantFrom("a", "b", "..b", "c"), { maxLength: 4 }).map((parts) => `/${parts.join("/")}`);
  fc.assert(fc.property(path, path, path, (above, folder, inside) => {
    if (pathContains(above, folder) && pathContains(folder, inside)) assert.ok(pathContains(above, inside));
  }));
});
