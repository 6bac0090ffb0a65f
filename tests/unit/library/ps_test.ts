/** The output of ps. */
import assert from "node:assert/strict";
import { parsePs } from "../../../senses/process-watch/ps.ts";

Deno.test("lines of ps are read with days, spaces and zombies, and other lines are rejected", () => {
  const output = "    1 Ss   12040       00:07 a name\n  22 Z 0 01:00:00 gone <defunct>\n 333 R+ 8 12-01:02:03   sh\n";
  assert.deepEqual(parsePs(output), [
    { pid: 1, rssBytes: 12_040 * 1024, seconds: 7, text: "a name" },
    { pid: 333, rssBytes: 8 * 1024, seconds: 12 * 86_400 + 3_723, text: "sh" },
  ]);
  // A process may have an empty name, and ps need not print the space before it; a name with a line break hides no
  // process.
  assert.deepEqual(parsePs("7 S 8 00:01\n8 S 8 00:01 \n9 S 8 00:01 a\u2028b\n").map(({ text }) => text), [
    "",
    "",
    "a\u2028b",
  ]);
  assert.throws(() => parsePs("PID STAT RSS ELAPSED COMMAND\n"), /unexpected/);
});
