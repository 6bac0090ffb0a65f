import assert from "node:assert/strict";
import { ifPresent, ifPresentAsync, isGoneProcess, isMissing } from "../../../src/base/if_present.ts";
import { join } from "../../support/paths.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("ifPresent() returns null for a missing file, and throws every other error", () =>
  inTempDir(async (root) => {
    const missing = join(root, "missing");
    assert.equal(ifPresent(() => Deno.readTextFileSync(missing)), null);
    assert.equal(await ifPresentAsync(() => Deno.readTextFile(missing)), null);
    assert.throws(() => ifPresent(() => Deno.readTextFileSync(root)), /directory/i);
    await assert.rejects(ifPresentAsync(() => Deno.readTextFile(root)), /directory/i);
    assert.equal(ifPresent(() => "there"), "there");
  }));

Deno.test("isMissing() holds for a path below a file, isGoneProcess() for a process that ends while it is read", () => {
  assert.ok(isMissing(new Deno.errors.NotADirectory()) && isMissing(new Deno.errors.NotFound()));
  assert.ok(!isMissing(new Deno.errors.PermissionDenied()));
  assert.ok(isGoneProcess(new Error("No such process (os error 3)")) && isGoneProcess(new Deno.errors.NotFound()));
  assert.ok(!isGoneProcess(new Error("other")));
});
