/** The size of a group's databases. Danger: a group that fills the disk with files that it hides. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { walExcusedMaxBytes, walExcusedMs } from "../../../src/base/database_limits.ts";
import { findQuotaFault } from "../../../src/process/disk_quota.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const kiB = 1024, idle = { pid: null, now: 0 };

Deno.test("missing files have no size, and usage equal to the limit is not over it", () =>
  inTempDir(async (root) => {
    const quota = { limitBytes: 2 * kiB, files: [join(root, "a.db"), join(root, "a.db-wal")] };
    assert.equal(findQuotaFault(quota, idle), null);
    await Deno.writeFile(join(root, "a.db"), new Uint8Array(2 * kiB));
    assert.equal(findQuotaFault(quota, idle), null);
    await Deno.writeFile(join(root, "a.db-wal"), new Uint8Array(1));
    assert.match(findQuotaFault(quota, idle) ?? "", /2\.0 KiB in its databases, over its disk limit of 2\.0 KiB/);
    assert.equal(findQuotaFault(null, idle), null);
  }));

Deno.test("a folder in place of a database is over every limit", () =>
  inTempDir(async (root) => {
    await Deno.mkdir(join(root, "a.db"));
    assert.match(
      findQuotaFault({ limitBytes: 1e12, files: [join(root, "a.db")] }, idle) ?? "",
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
      const before = findQuotaFault({ ...quota, limitBytes: 1e12 }, { pid: Deno.pid, now: 0 });
      assert.equal(before, null);
      await Deno.remove(path);
      assert.match(findQuotaFault(quota, { pid: Deno.pid, now: 0 }) ?? "", /over its disk limit/);
    }),
});

/** A quota of 100 KiB, and a -wal file that another process keeps from being emptied while the reader lives. */
async function withReader(
  test: (
    quota: { limitBytes: number; files: string[] },
    writer: ReturnType<typeof openDatabase>,
    end: () => Promise<void>,
  ) => void | Promise<void>,
): Promise<void> {
  await inTempDir(async (root) => {
    const path = join(root, "a.db"), files = [path, `${path}-wal`, `${path}-shm`];
    using writer = openDatabase(path, { synchronous: "normal" });
    writer.exec("create table t (x blob)");
    const code = `import { DatabaseSync } from "node:sqlite"; const db = new DatabaseSync(${JSON.stringify(path)});
      db.exec("begin"); db.prepare("select * from t").get(); console.log("reads"); await Deno.stdin.read(new Uint8Array(1));`;
    const reader = new Deno.Command(Deno.execPath(), {
      // The configuration of this repository replaces node:sqlite.
      args: ["eval", "--no-config", code],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = reader.stdout.getReader();
    await lines.read();
    const end = async () => {
      reader.kill("SIGKILL");
      await reader.status;
      await lines.cancel();
    };
    await test({ limitBytes: 100 * kiB, files }, writer, end);
  });
}

// The bug would be: reading a neighbour's database for long enough gets the neighbour killed and quarantined.
Deno.test({
  name: "a -wal file that another process reads does not count, nor until its owner had the time to empty it",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withReader(async (quota, writer, end) => {
      writer.exec("insert into t values (zeroblob(200000))");
      const measure = (now: number, pid: number | null = Deno.pid) => findQuotaFault(quota, { pid, now });
      assert.equal(measure(1_000), null);
      assert.equal(measure(2_000, null), null);
      await end();
      assert.equal(measure(2_000 + walExcusedMs - 1), null, "its owner needs a moment");
      assert.match(measure(2_000 + walExcusedMs) ?? "", /over its disk limit/);
      writer.exec("pragma wal_checkpoint(truncate)");
      assert.match(measure(2_000) ?? "", /over its disk limit/, "what is in the database itself counts at once");
    }),
});

Deno.test({
  name: "what a group writes itself counts while others read: a large -wal file, and the database",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withReader(async (quota, writer, end) => {
      writer.exec("insert into t values (zeroblob(200000))");
      const large = { ...quota, files: quota.files.map((file) => file.replace("-shm", "-journal")) };
      assert.match(findQuotaFault(large, { pid: null, now: 0 }) ?? "", /over its disk limit/, "nobody is seen to read");
      const sparse = `${quota.files[0]}-hidden-wal`;
      await Deno.writeFile(sparse, new Uint8Array(0));
      await Deno.truncate(sparse, walExcusedMaxBytes + quota.limitBytes);
      const hiding = { ...quota, files: [...quota.files, sparse] };
      assert.match(findQuotaFault(hiding, { pid: Deno.pid, now: 0 }) ?? "", /over its disk limit/);
      await end();
    }),
});

Deno.test("at a start what the -wal files hold may be emptied first, and counts soon after", () =>
  inTempDir(async (root) => {
    const quota = { limitBytes: 2 * kiB, files: [join(root, "a.db"), join(root, "a.db-wal")] };
    await Deno.writeFile(join(root, "a.db-wal"), new Uint8Array(3 * kiB));
    assert.match(findQuotaFault(quota, { pid: null, now: 0 }) ?? "", /over its disk limit/);
    assert.equal(findQuotaFault(quota, { pid: null, now: 0, starting: true }), null);
    assert.equal(findQuotaFault(quota, { pid: Deno.pid, now: walExcusedMs - 1 }), null);
    assert.match(findQuotaFault(quota, { pid: Deno.pid, now: walExcusedMs }) ?? "", /over its disk limit/);
    await Deno.writeFile(join(root, "a.db"), new Uint8Array(3 * kiB));
    assert.match(findQuotaFault(quota, { pid: null, now: 0, starting: true }) ?? "", /over its disk limit/);
  }));
