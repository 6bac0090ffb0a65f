/** The whole repository has no type error. A test like any other, so that it takes its turn beside them. */
import assert from "node:assert/strict";
import { repository } from "../support/source_files.ts";

Deno.test("every file passes the type check", async () => {
  const args = ["check", "--quiet"], env = { NO_COLOR: "1" };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: repository, env }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});
