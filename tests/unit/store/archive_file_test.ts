/** Files of the archive. Danger: a damaged line that is read as a row, or a file that is half written. */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  archivePath,
  DayWriter,
  listArchivedDays,
  parseRow,
  parseRowId,
  readLastLine,
  readLines,
  readLinesIfPresent,
} from "../../../src/store/archive/archive_file.ts";
import fc from "../../support/fast_check.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const damaged = { code: "STORE_FAILED", message: /\/x\.jsonl is damaged/ };

Deno.test("the id of a line is found without parsing it, and the row by parsing it", () => {
  const line = '{"id":12,"ts":5,"source":"kernel","type":"kernel.started","refId":null,"causeId":null,"payload":{}}';
  assert.equal(parseRowId(line, "/x.jsonl"), 12);
  assert.equal(parseRow(line, "/x.jsonl").ts, 5);
});

Deno.test("a line that is not a row is an error with the file's name and what to do", () => {
  for (const line of ["", "not a row", '{"ts":5}', '{"id":"12",', '{ "id":12,', `{"id":${"1".repeat(17)},`]) {
    assert.throws(() => parseRowId(line, "/x.jsonl"), damaged, line);
  }
  for (const line of ["", "{", "[]", "null", '{"id":1}', '{"id":1,"ts":1.5,"type":"x"}', '{"id":1,"ts":1,"type":2}']) {
    assert.throws(() => parseRow(line, "/x.jsonl"), damaged, line);
  }
});

Deno.test("lines are read as they were written, also when longer than a block or without a last line break", () =>
  inTempDir(async (root) => {
    const path = join(root, "x.jsonl"), long = "é".repeat(400_000);
    await Deno.writeTextFile(path, `one\n${long}\n\nlast`);
    assert.deepEqual([...readLines(path)], ["one", long, "", "last"]);
    assert.deepEqual([...readLines(path, (line) => line.includes("s"))], ["last"]);
    assert.deepEqual([...readLinesIfPresent(join(root, "none.jsonl"))], []);
  }));

Deno.test("readLastLine() finds the last line of any file, wherever its blocks are cut", () =>
  inTempDir(async (root) => {
    const path = join(root, "x.jsonl"), line = fc.stringMatching(/^[a-zé]{1,40}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.nat(80_000), async (lines, pad) => {
        const all = [...lines, ...pad === 0 ? [] : ["p".repeat(pad)]];
        const bytes = new TextEncoder().encode(all.map((each) => `${each}\n`).join(""));
        await Deno.writeFile(path, bytes);
        assert.equal(readLastLine(path, bytes.length), all.at(-1) ?? null);
      }),
      { numRuns: 30 },
    );
  }));

Deno.test("a day's file gets its name only when it is complete, and nothing is left of one that was given up", () =>
  inTempDir(async (root) => {
    const path = archivePath(join(root, "archive"), "2026-01-31");
    {
      using writer = await DayWriter.create(path);
      writer.add("one");
      await writer.flush();
      assert.deepEqual(listArchivedDays(join(root, "archive")), []);
    }
    assert.deepEqual([...Deno.readDirSync(join(root, "archive"))], []);
    using writer = await DayWriter.create(path);
    for (const line of ["one", "zwei"]) writer.add(line);
    await writer.publish();
    assert.deepEqual([writer.rows, writer.bytes], [2, 9]);
    assert.deepEqual(listArchivedDays(join(root, "archive")), [{ day: "2026-01-31", path, bytes: 9 }]);
    assert.deepEqual([...readLines(path)], ["one", "zwei"]);
  }));

Deno.test("listArchivedDays() lists files of days only, the oldest first", () =>
  inTempDir(async (root) => {
    for (const name of ["2026-02-01.jsonl", "2026-01-31.jsonl", "2026-01-30.jsonl.writing", "notes.txt"]) {
      await Deno.writeTextFile(join(root, name), "");
    }
    await Deno.mkdir(join(root, "2026-01-01.jsonl"));
    assert.deepEqual(listArchivedDays(root).map(({ day }) => day), ["2026-01-31", "2026-02-01"]);
    assert.deepEqual(listArchivedDays(join(root, "none")), []);
  }));
