/** The output of rsync. */
import assert from "node:assert/strict";
import { parseDifferences, parseStats } from "../../../workflows/backup-folder/rsync.ts";

Deno.test("parseStats() reads the sizes, with and without separators", () => {
  const text = `
Number of files: 1,204 (reg: 1,100, dir: 103, link: 1)
Number of created files: 3 (reg: 2, dir: 1)
Total file size: 48,213,000 bytes
Total transferred file size: 12011 bytes
`;
  assert.deepEqual(parseStats(text), { files: 1100, bytes: 48_213_000, addedBytes: 12_011 });
  assert.deepEqual(parseStats(text.replace(/\(reg.*?\)/, "(dir: 1)")).files, 0);
  assert.throws(() => parseStats("rsync error"), /no statistics/);
});

Deno.test("parseDifferences() names files that differ, not folders or times", () => {
  const text =
    ".d..t...... ./\n>fcst...... a b\n.f...p..... mode\n*deleting   old\n>f+++++++++ new\ncd+++++++++ folder/\n";
  assert.deepEqual(parseDifferences(text), ["a b", "old", "new"]);
});
