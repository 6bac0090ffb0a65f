/** The size of a group's databases. Danger: a group that fills the disk with files that it hides. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findQuotaFault } from "../../../src/process/disk_quota.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const kiB = 1024;

Deno.test("missing files have no size, and usage equal to the limit is not over it", () =>
  inTempDir(async (root) => {
    const quota = { limitBytes: 2 * kiB, files: [join(root, "a.db"), join(root, "a.db-wal")] };
    assert.equal(findQuotaFault(quota, null), null);
    await Deno.writeFile(join(root, "a.db"), new Uint8Array(2 * kiB));
    assert.equal(findQuotaFault(quota, null), null);
    await Deno.writeFile(join(root, "a.db-wal"), new Uint8Array(1));
    assert.match(findQuotaFault(quota, null) ?? "", /2\.0 KiB in its databases, over its disk limit of 2\.0 KiB/);
    assert.equal(findQuotaFault(null, null), null);
  }));

Deno.test("a folder in place of a database is over every limit", () =>
  inTempDir(async (root) => {
    await Deno.mkdir(join(root, "a.db"));
    assert.match(
      findQuotaFault({ limitBytes: 1e12, files: [join(root, "a.db")] }, null) ?? "",
      /a folder in place of a database file/,
    );
  }));

Deno.test({
  name: "a removed file that the process still holds open counts",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inTempDir(async (root) => {
      const path = join(root, "hidden"), quota = { limitBytes: kiB, files: [] };
      using file = await Deno.open(path, { create: true, write: true });
      await file.write(new Uint8Array(5 * kiB));
      const before = findQuotaFault({ ...quota, limitBytes: 1e12 }, Deno.pid);
      assert.equal(before, null);
      await Deno.remove(path);
      assert.match(findQuotaFault(quota, Deno.pid) ?? "", /over its disk limit/);
    }),
});
