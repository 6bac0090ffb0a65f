/**
 * Danger: an interrupted restore leaves a workspace without data, and the next start begins with nothing; or a failed
 * backup looks like a complete one.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { backupData } from "../../../src/store/maintenance/backup.ts";
import { openStore } from "../../../src/store/store.ts";
import { type ArchiveBench, at, withArchive } from "../../support/archive_bench.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { nerveArguments } from "../../support/nerve_program.ts";
import { newRow } from "../../support/store_bench.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

async function nerve(root: string, fault: string, ...args: string[]): Promise<Deno.CommandOutput> {
  return await new Deno.Command(Deno.execPath(), {
    args: [...nerveArguments, ...args],
    env: { NERVE_WORKSPACE: root, NERVE_FAULT_POINT: fault },
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
}

/** The entries of the workspace that are or were its data, without the time in their names. */
function dataFolders(bench: ArchiveBench): string[] {
  return [...Deno.readDirSync(bench.paths.root)].map(({ name }) => name.replace(/before-.*/, "before"))
    .filter((name) => name.startsWith("data")).sort();
}

const points = [
  { point: "restore.whole", entries: ["data", "data.restored"], then: { rows: 3, folders: ["data"] } },
  {
    point: "restore.aside",
    entries: ["data.before", "data.restored"],
    then: { rows: 2, folders: ["data", "data.before"] },
  },
];

for (const { point, entries, then } of points) {
  Deno.test(`after kill -9 of a restore at ${point} the workspace has all data of one side`, () =>
    withArchive(async (bench) => {
      const backup = join(bench.paths.root, "backup");
      for (const day of [0, 1]) bench.append(at(day));
      await bench.store.log.durable();
      assert.equal((await bench.nerve("store", "backup", backup)).code, 0);
      bench.append(at(2));
      await bench.store.log.durable();
      await bench.closed(async () => {
        const { signal, stderr } = await nerve(bench.paths.root, point, "store", "restore", backup, "--force");
        assert.equal(signal, "SIGKILL", new TextDecoder().decode(stderr));
        assert.deepEqual(dataFolders(bench), entries);
        assert.equal((await bench.nerve("store", "rebuild-runs")).code, 0);
        assert.deepEqual(dataFolders(bench), then.folders);
        assert.equal((await bench.nerve("store", "verify")).code, 0);
      });
      assert.equal((await bench.inTable()).length, then.rows);
    }));
}

Deno.test("a kernel that starts finishes an interrupted restore", async () => {
  await using workspace = await makeWorkspace({});
  const { paths } = workspace, store = openStore(paths.logDatabase, new FakeClock(at(0)));
  const row = store.log.append(newRow());
  await store.close();
  await Deno.rename(paths.data, `${paths.data}.restored`);
  await workspace.start();
  assert.deepEqual(await workspace.rows({ order: "asc", limit: 1 }), [row]);
});

Deno.test("a backup into the data folder is refused, also through a link", () =>
  withArchive(async (bench) => {
    bench.append(at(0));
    await bench.store.log.durable();
    Deno.symlinkSync(bench.paths.data, join(bench.paths.root, "link"));
    for (const folder of ["data", "data/backup", "data/senses/a/b", "link/backup"]) {
      const { code, err } = await bench.nerve("store", "backup", join(bench.paths.root, folder));
      assert.deepEqual([code, /is not empty|lies in the data to back up/.test(err)], [2, true], err);
    }
    assert.equal((await bench.nerve("store", "backup", join(bench.paths.root, "data.backup"))).code, 0);
  }));

Deno.test({
  name: "a backup onto a disk that is too small fails, leaves nothing, and works once there is space",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({});
    const store = openStore(workspace.paths.logDatabase, new FakeClock());
    for (let n = 0; n < 3_000; n++) store.log.append(newRow({ payload: "x".repeat(500) }));
    await store.close();
    using disk = smallDisk(join(workspace.root, "target"), 4 * 1024 ** 2);
    disk.fill();
    for (const folder of ["target/new", "target/empty"]) {
      if (folder.endsWith("empty")) Deno.mkdirSync(join(workspace.root, folder));
      await assert.rejects(backupData(workspace.paths, join(workspace.root, folder), 0), { code: "STORE_FAILED" });
    }
    assert.deepEqual([...Deno.readDirSync(join(workspace.root, "target/empty"))], []);
    assert.throws(() => Deno.statSync(join(workspace.root, "target/new")), Deno.errors.NotFound);
    disk.free();
    assert.equal((await backupData(workspace.paths, join(workspace.root, "target/empty"), 0)).files.length, 1);
  },
});
