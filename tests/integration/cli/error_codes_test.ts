/** Callers decide by an error's code, so each failure of a command has the right one, and a hint. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { initWorkspace } from "../../../src/cli/commands/init.ts";
import { initSense } from "../../../src/cli/commands/init_part.ts";
import { openWorkspace, requireConfig } from "../../../src/cli/workspace.ts";
import { respondToError } from "../../../src/control/problem_response.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

async function fails(code: string, act: () => Promise<unknown>): Promise<void> {
  await assert.rejects(act, (thrown) => {
    assert.ok(thrown instanceof NerveError, String(thrown));
    assert.equal(thrown.code, code);
    assert.ok(thrown.hint !== null, "it says what to do");
    return true;
  });
}

Deno.test("each failure of a command has its code and its hint", async () => {
  await inTempDir(async (root) => {
    const io = new CapturedIo({ cwd: root });
    await fails("WORKSPACE_MISSING", () => openWorkspace(io, undefined));
    await writeWorkspace(root, { "nerve.yaml": "senses: { cpu: { throttel: 1s } }\n" });
    await fails("WORKSPACE_EXISTS", () => initWorkspace(io, { force: false }));
    await fails("CONFIG_INVALID", async () => requireConfig(await openWorkspace(io, undefined)));
    await fails("NAME_INVALID", () => initSense(io, { workspace: undefined }, "Über"));
  });
});

Deno.test("an unexpected error is a bug of nerve on the API: reported, and without a stack trace", async () => {
  const reported: unknown[] = [];
  const response = respondToError(new RangeError("oh no"), (thrown) => reported.push(thrown));
  const body = await response.json();
  assert.equal(response.status, 500);
  assert.equal(body.code, "INTERNAL");
  assert.equal(reported.length, 1);
  assert.ok(!JSON.stringify(body).includes("at "), "no stack");
});
