/** The shell script at the head of the portable file. */
import assert from "node:assert/strict";
import { createHeader } from "../../../tools/build/portable.ts";

Deno.test("the header says where the archive begins", () => {
  const header = createHeader({ hash: "0123456789abcdef", version: "1.2.3", target: "x" });
  assert.match(header, /^#!\/bin\/sh\n# nerve 1\.2\.3 for x/);
  assert.ok(!/@[A-Z]+@/.test(header));
  const offset = Number(/^offset=(\d+)$/m.exec(header)?.[1]);
  assert.equal(offset, new TextEncoder().encode(header).length + 1);
});
