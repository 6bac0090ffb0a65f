import assert from "node:assert/strict";
import { parseDf } from "../../../senses/disk-usage/df.ts";
import fc from "../../support/fast_check.ts";

const header = "Filesystem     1024-blocks    Used Available Capacity Mounted on\n";

Deno.test("parseDf() accepts names with spaces and numbers on both sides", () => {
  const found = parseDf(`${header}//nas/my share 7   1000 250  650      28% /mnt/my disk 2\n`);
  assert.deepEqual(found, {
    filesystem: "//nas/my share 7",
    mount: "/mnt/my disk 2",
    used: 0.2778,
    totalBytes: 1_024_000,
    usedBytes: 256_000,
    availableBytes: 665_600,
  });
});

Deno.test("parseDf() accepts a file system without blocks, an overfull one, and a line break in the mount point", () => {
  assert.equal(parseDf(`${header}proc 0 0 0 - /proc\n`).used, 0);
  const overfull = parseDf(`${header}/dev/sda1 1000 990 -40 105% /\n`);
  assert.deepEqual([overfull.used, overfull.availableBytes], [1, -40_960]);
  assert.equal(parseDf(`${header}tmpfs 10 1 9 10% /a\nb\n`).mount, "/a\nb");
});

Deno.test("parseDf() accepts sizes beyond every integer, and more free space than there is", () => {
  const large = parseDf(`${header}s3 18014398509481984 0 18014398509481984 0% /s3\n`);
  assert.deepEqual([large.used, large.totalBytes, large.availableBytes], [0, 2 ** 64, 2 ** 64]);
  const free = parseDf(`${header}juice 1073741824 -100 1073741924 0% /j\n`);
  assert.deepEqual([free.used, free.usedBytes, free.availableBytes], [0, 0, 2 ** 40 + 102_400]);
});

Deno.test("parseDf() says which figure a file system does not tell", () => {
  assert.throws(() => parseDf(`${header}odd - - 4 - /odd\n`), /odd does not tell its total space/);
  assert.throws(() => parseDf(`${header}odd 4000 - - - /odd\n`), /odd does not tell its used space/);
});

Deno.test("parseDf() throws on anything else", () => {
  for (const text of ["", header, `${header}/dev/sda1 1000 990\n`, "df: no such file"]) {
    assert.throws(() => parseDf(text), /df printed something unexpected/);
  }
});

Deno.test("parseDf() returns the fields of any row", () => {
  const word = fc.stringMatching(/^[a-z:/][a-z0-9:/]{0,8}$/), blocks = fc.nat({ max: 2 ** 40 });
  const name = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join(" "));
  fc.assert(fc.property(name, name, blocks, blocks, blocks, (filesystem, mount, total, used, available) => {
    const found = parseDf(`${header}${filesystem} ${total} ${used} ${available} 5% /${mount}\n`);
    assert.deepEqual([found.filesystem, found.mount, found.totalBytes], [filesystem, `/${mount}`, total * 1024]);
    assert.ok(found.used >= 0 && found.used <= 1);
  }));
});
