/**
 * Danger: the archive is killed between the file and the table, and a row is in neither, or for ever in both. A fault
 * point kills a real process at each step; its remains are checked, then the archive runs again.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { LogRow } from "../../../src/protocol/log.ts";
import { verifyStore } from "../../../src/store/maintenance/verify.ts";
import { type ArchiveBench, at, everyRowOnce, withArchive } from "../../support/archive_bench.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";

/** Where it is killed; after a colon, how often the place is passed before. */
const points = [
  "archive.writing",
  "archive.written",
  "archive.synced",
  "archive.renamed",
  "archive.deleting",
  "archive.deleting:1",
  "archive.deleted",
  "archive.deleted:1",
  // The second day, or the rest of the first.
  "archive.writing:1",
  "archive.renamed:1",
  "archive.deleting:3",
];
/** More rows than two deletes remove: the first removes 500, the next at most half as many more. */
const rowsADay = 2_200;

/** Two days, a run that is not finished across both, and a third day that stays. */
async function fill(bench: ArchiveBench): Promise<LogRow[]> {
  await bench.startRun("run-1", at(0, 1));
  for (const day of [0, 1]) {
    for (let n = 0; n < rowsADay; n++) bench.append(at(day, 2) + n);
    await bench.store.log.durable();
    await bench.message("run-1", day + 1, at(day, 12));
  }
  bench.append(at(2, 1));
  return await bench.inTable();
}

async function archiveInProcess(root: string, fault: string | null): Promise<Deno.CommandStatus> {
  const { code, signal, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--cached-only", "--no-lock", "-c", join(repository, "deno.json")],
      ...[join(repository, "tests/faults/store/archiver.ts"), root, String(at(2))],
    ],
    env: fault === null ? {} : { NERVE_FAULT_POINT: fault },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (fault === null) assert.ok(success, new TextDecoder().decode(stderr));
  return { code, signal, success };
}

for (const [index, point] of points.entries()) {
  (index % 6 === 0 ? Deno.test : long.test)(
    `kill -9 of an archive run at ${point} neither loses nor duplicates a row`,
    () =>
      withArchive(async (bench) => {
        const rows = await fill(bench), { root } = bench.paths;
        await bench.closed(async () => {
          assert.equal((await archiveInProcess(root, point)).signal, "SIGKILL");
          everyRowOnce(root, rows, true);
        });
        // A concurrent reader finds each row once.
        const read = await bench.nerve("events", "--archived", "--json", "--limit", "10000");
        assert.deepEqual(read.out.trim().split("\n").map((line) => JSON.parse(line)), rows);
        assert.deepEqual([...verifyStore(bench.paths)].filter(({ problem }) => problem !== null), []);
        await bench.closed(async () => {
          await archiveInProcess(root, null);
          everyRowOnce(root, rows);
        });
        const remaining = await bench.inTable();
        assert.deepEqual(remaining.map(({ type }) => type), [
          "run.started",
          "run.message",
          "run.message",
          "sense.signal",
        ]);
        assert.deepEqual([...verifyStore(bench.paths)].filter(({ problem }) => problem !== null), []);
        const files = [...Deno.readDirSync(bench.paths.archive)].map(({ name }) => name).sort();
        assert.deepEqual(files, ["2026-01-01.jsonl", "2026-01-02.jsonl"], "nothing that was written aside is left");
      }),
  );
}
