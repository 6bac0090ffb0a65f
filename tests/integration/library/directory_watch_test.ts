/** directory-watch on real folders, in its sandbox. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

async function withFolder(test: (folder: string, sense: QuietSense) => Promise<void>): Promise<void> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve watch " }));
  Deno.mkdirSync(`${root}/in`);
  try {
    await using sense = new QuietSense("directory-watch", { read: [root] });
    await test(`${root}/in`, sense);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const quick = { settle: "0s" };

long.test("directory-watch tells new, changed and removed files, and nothing at the first look", async () => {
  await withFolder(async (folder, sense) => {
    Deno.writeTextFileSync(`${folder}/old`, "1");
    assert.deepEqual(await sense.compute({ folder, ...quick }), { kind: "null" });
    Deno.writeTextFileSync(`${folder}/new \u00fc`, "12");
    const added = valueOf(await sense.compute({ folder: `${folder}/`, ...quick }));
    assert.deepEqual([added.added, added.changed, added.removed, added.files, added.totalBytes], [
      ["new \u00fc"],
      [],
      [],
      2,
      3,
    ]);
    Deno.writeTextFileSync(`${folder}/old`, "123");
    const changed = valueOf(await sense.compute({ folder, ...quick }));
    assert.deepEqual([changed.added, changed.changed, changed.ok], [[], ["old"], true]);
    Deno.renameSync(`${folder}/old`, `${folder}/moved`);
    const moved = valueOf(await sense.compute({ folder, ...quick, workflow: "notify" }));
    assert.deepEqual([moved.added, moved.removed], [["moved"], ["old"]]);
    assert.deepEqual(moved.workflow, {
      name: "notify",
      prompt: `${folder}: 1 new, 0 changed, 1 removed`,
      maxRounds: 20,
    });
    assert.deepEqual(await sense.compute({ folder, ...quick }), { kind: "null" });
  });
});

Deno.test("directory-watch passes by links, folders and other names, and looks into folders when it should", async () => {
  await withFolder(async (folder, sense) => {
    const config = { folder, ...quick, pattern: "*.pdf", recursive: true };
    await sense.compute(config);
    Deno.mkdirSync(`${folder}/deep.pdf/er`, { recursive: true });
    for (const name of ["a.pdf", "b.txt", "deep.pdf/er/c.pdf"]) Deno.writeTextFileSync(`${folder}/${name}`, "");
    Deno.symlinkSync("/etc/passwd", `${folder}/link.pdf`);
    Deno.symlinkSync(folder, `${folder}/loop`);
    assert.deepEqual(valueOf(await sense.compute(config)).added, ["a.pdf", "deep.pdf/er/c.pdf"]);
  });
});

long.test("directory-watch waits until a file has settled", async () => {
  await withFolder(async (folder, sense) => {
    await sense.compute({ folder });
    Deno.writeTextFileSync(`${folder}/slow`, "1");
    const growing = valueOf(await sense.compute({ folder, always: true }));
    assert.deepEqual([growing.added, growing.growing], [[], 1]);
    {
      using db = openDatabase(sense.database);
      db.exec("update files set since_ms = since_ms - 11000");
    }
    assert.deepEqual(valueOf(await sense.compute({ folder })).added, ["slow"]);
  });
});

long.test("directory-watch finds too many, too few, too large and too old files", async () => {
  await withFolder(async (folder, sense) => {
    const limits = { folder, min_count: 1, newest_within: "1h" };
    const empty = valueOf(await sense.compute(limits));
    assert.deepEqual(empty.problems, ["0 files, fewer than 1", "it has no file: none of the last 1h"]);
    for (const name of ["a", "b"]) Deno.writeFileSync(`${folder}/${name}`, new Uint8Array(2_000));
    const over = valueOf(await sense.compute(limits));
    assert.deepEqual([over.ok, over.problems], [true, []], "it has recovered");
    assert.deepEqual(await sense.compute(limits), { kind: "null" });
    const day = Date.now() / 1_000 - 86_400;
    for (const name of ["a", "b"]) Deno.utimeSync(`${folder}/${name}`, day, day);
    const bad = valueOf(
      await sense.compute({
        ...{
          folder,
          max_count: 1,
          max_total: "3KiB",
          max_size: "1KiB",
          max_age: "1h",
          newest_within: "2h",
          workflow: "tidy",
        },
      }),
    );
    assert.equal(bad.problems.length, 5, JSON.stringify(bad.problems));
    assert.equal(bad.workflow.name, "tidy");
    assert.match(bad.problems.join(), /2 files, more than 1.*oldest file is from (1d|24h).* ago.*newest file/);
  });
});

long.test("directory-watch says that the folder is gone, and remembers its files", async () => {
  await withFolder(async (folder, sense) => {
    Deno.writeTextFileSync(`${folder}/a`, "1");
    await sense.compute({ folder, ...quick });
    Deno.renameSync(folder, `${folder}-away`);
    const gone = valueOf(await sense.compute({ folder, ...quick }));
    assert.deepEqual([gone.problems, gone.removed], [["there is no such folder"], []]);
    Deno.writeTextFileSync(folder, "");
    const file = valueOf(await sense.compute({ folder, ...quick }));
    assert.deepEqual([file.problems, file.removed], [["it is not a folder"], []]);
    Deno.removeSync(folder);
    Deno.renameSync(`${folder}-away`, folder);
    const back = valueOf(await sense.compute({ folder, ...quick }));
    assert.deepEqual([back.ok, back.added], [true, []]);
  });
});

long.test("directory-watch counts files whose names are not UTF-8, and says so", async () => {
  await withFolder(async (folder, sense) => {
    const { success } = await new Deno.Command("sh", { args: ["-c", 'touch "$(printf "a\\377b")"'], cwd: folder })
      .output();
    assert.ok(success);
    Deno.writeTextFileSync(`${folder}/real \uFFFD`, "");
    const told = valueOf(await sense.compute({ folder, always: true, announce_first: true, ...quick }));
    assert.deepEqual([told.files, told.added], [2, ["real \uFFFD"]]);
    assert.match(sense.logs.join(), /warn 1 files of .* have names that are not UTF-8/);
  });
});

long.test("directory-watch is bounded, and says when there is more", async () => {
  await withFolder(async (folder, sense) => {
    for (let n = 0; n < 30; n++) Deno.writeTextFileSync(`${folder}/${n}`, "");
    const told = valueOf(await sense.compute({ folder, max_entries: 20, ...quick }));
    assert.deepEqual(told.problems, ["it has more than 20 entries: changes are not reported"]);
    assert.equal(told.files, 20);
  });
});

long.test("directory-watch deletes rows older than keep", async () => {
  await withFolder(async (folder, sense) => {
    await sense.compute({ folder });
    {
      using db = openDatabase(sense.database);
      db.exec("update checks set ts = ts - 2 * 86400000");
    }
    await sense.compute({ folder, keep: "1d" });
    assert.equal(rowsOf(sense.database, "select 1 from checks").length, 1);
  });
});

long.test("directory-watch fails with NotCapable without its grant", async () => {
  await using sense = new QuietSense("directory-watch", {});
  const outcome = await sense.compute({ folder: "/srv" });
  assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
});
