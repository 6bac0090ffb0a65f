import assert from "node:assert/strict";
import { readDescriptorLimit } from "../../../src/base/descriptor_limit.ts";

Deno.test("the limit of open files is that of the process, and of no process there is none", async () => {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  const limit = new TextDecoder().decode(stdout).trim();
  assert.equal(String(readDescriptorLimit() ?? "unlimited"), limit);
  assert.equal(readDescriptorLimit(Deno.pid), readDescriptorLimit());
  assert.equal(readDescriptorLimit(2 ** 30), null);
});
