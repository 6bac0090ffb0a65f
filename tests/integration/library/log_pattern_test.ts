/** log-pattern on real files that grow and are rotated, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { TestSense, valueOf } from "../../support/library.ts";
import { following, TestLog } from "../../support/log_file.ts";
import { long } from "../../support/long_form.ts";

Deno.test("log-pattern counts the lines written since the last compute, once each", async () => {
  await following(async (log, sense) => {
    log.write("fine", "ERROR one", "ERROR out of memory", "memoryless");
    const found = valueOf(await sense.compute(log.config));
    assert.deepEqual([found.file, found.lines, found.matched], [log.file, 4, 2]);
    assert.deepEqual(found.counts, [{ pattern: "ERROR", lines: 2 }, { pattern: "\\bmemory\\b", lines: 1 }]);
    assert.deepEqual(found.examples, ["ERROR one", "ERROR out of memory"]);
    assert.deepEqual([found.behindBytes, found.missed], [0, false]);
    assert.deepEqual(await sense.compute(log.config), { kind: "null" });
    log.write("fine");
    assert.deepEqual(await sense.compute(log.config), { kind: "null" }, "no line matches");
  });
});

long.test("log-pattern counts a line once it is complete, and existing lines only if configured", async () => {
  await following(async (log, sense) => {
    log.append("ERROR half");
    assert.deepEqual(await sense.compute(log.config), { kind: "null" });
    log.append(" and half\r\nERR");
    assert.deepEqual(valueOf(await sense.compute(log.config)).examples, ["ERROR half and half"]);
    log.append("OR again\n");
    assert.deepEqual(valueOf(await sense.compute(log.config)).examples, ["ERROR again"]);
    await using fresh = new TestSense("log-pattern", log.grants);
    assert.equal(valueOf(await fresh.compute({ ...log.config, from_start: true })).matched, 3);
  });
});

Deno.test("log-pattern that starts in the middle of a line counts the whole line", async () => {
  await using log = new TestLog();
  log.append("first\nERR");
  await using sense = new TestSense("log-pattern", log.grants);
  assert.deepEqual(await sense.compute(log.config), { kind: "null" });
  log.append("OR\n");
  assert.equal(valueOf(await sense.compute(log.config)).matched, 1);
});

for (const kind of ["rename", "copyAndTruncate"] as const) {
  long.test(`log-pattern neither loses nor repeats a line across a rotation by ${kind}`, async () => {
    await following(async (log, sense) => {
      log.write("ERROR 1");
      assert.equal(valueOf(await sense.compute(log.config)).matched, 1);
      log.write("ERROR 2", "fine", "ERROR 3");
      log[kind]();
      log.write("ERROR 4");
      const found = valueOf(await sense.compute(log.config));
      assert.deepEqual(found.examples, ["ERROR 2", "ERROR 3", "ERROR 4"]);
      assert.deepEqual([found.lines, found.missed], [4, false]);
      log[kind]();
      assert.deepEqual(await sense.compute(log.config), { kind: "null" });
      log.write("ERROR 5");
      assert.deepEqual(valueOf(await sense.compute(log.config)).examples, ["ERROR 5"]);
    });
  });

  long.test(`log-pattern detects a rotation by ${kind} when the new file is longer than the old place`, async () => {
    await following(async (log, sense) => {
      log.write("ERROR 1");
      await sense.compute(log.config);
      log[kind]();
      log.write(...Array.from({ length: 50 }, (_, index) => `ERROR new ${index}`));
      const found = valueOf(await sense.compute(log.config));
      assert.deepEqual([found.matched, found.examples[0], found.missed], [50, "ERROR new 0", false]);
    });
  });

  long.test(`log-pattern reports lines lost in two rotations by ${kind}`, async () => {
    await following(async (log, sense) => {
      log.write("ERROR lost");
      log[kind]();
      log.write("ERROR lost too, being in the file that was rotated away");
      log[kind]();
      log.write("ERROR here");
      const found = valueOf(await sense.compute(log.config));
      assert.deepEqual([found.examples, found.missed], [["ERROR here"], true]);
      assert.match(sense.logs.join("\n"), /^warn lines of .* were lost in its rotation: .*is not the file/);
    });
  });
}

long.test("log-pattern sees lines written to an empty file before it was copied and emptied", async () => {
  await following(async (log, sense) => {
    for (const line of ["ERROR 1", "ERROR 2"]) {
      log.copyAndTruncate();
      assert.deepEqual(await sense.compute(log.config), { kind: "null" });
      log.write(line);
      Deno.removeSync(`${log.file}.1`);
      log.copyAndTruncate();
      assert.deepEqual(valueOf(await sense.compute(log.config)).examples, [line]);
      Deno.removeSync(`${log.file}.1`);
      assert.deepEqual(
        await sense.compute(log.config),
        { kind: "null" },
        "a rotated file that goes away is no rotation",
      );
    }
  });
});

long.test("log-pattern continues where it stopped when there is more than one compute may read, also across a rotation", async () => {
  await following(async (log, sense) => {
    const line = (index: number) => `ERROR ${String(index).padStart(93, "0")}`;
    log.write(...Array.from({ length: 100 }, (_, index) => line(index)));
    const config = { ...log.config, max_read: "3000B" };
    const first = valueOf(await sense.compute(config));
    assert.deepEqual([first.matched, first.behindBytes], [30, 7_000]);
    log.rename();
    log.write(line(100));
    const matched = [first.matched];
    for (let times = 0; times < 4; times++) {
      const outcome = await sense.compute(config);
      if (outcome.kind === "value") matched.push(outcome.value.matched);
    }
    assert.deepEqual(matched, [30, 30, 30, 11]);
  });
});

long.test("log-pattern splits an endless line, and accepts bytes that are not text", async () => {
  await following(async (log, sense) => {
    log.append(`${"x".repeat(40_000)} ERROR\n`);
    Deno.writeFileSync(log.file, Uint8Array.of(0xff, 0xfe, 0x00, 10), { append: true });
    const found = valueOf(await sense.compute(log.config));
    assert.deepEqual([found.lines, found.matched], [4, 1]);
    assert.ok(found.examples[0].length <= 300);
  });
});

long.test("log-pattern keeps its place while the file is missing, and continues when it is back", async () => {
  await following(async (log, sense) => {
    log.write("ERROR before");
    Deno.renameSync(log.file, `${log.file}.1`);
    const gone = await sense.compute(log.config);
    assert.ok(gone.kind === "error" && /No such file/.test(gone.message), JSON.stringify(gone));
    log.write("ERROR after");
    assert.deepEqual(valueOf(await sense.compute(log.config)).examples, ["ERROR before", "ERROR after"]);
  });
});

long.test("log-pattern rejects a pattern without bounded cost, and a relative path", async () => {
  await using sense = new TestSense("log-pattern", {});
  for (
    const config of [{ file: "/x", patterns: ["(a)\\1"] }, { file: "x", patterns: ["a"] }, { file: "/x", patterns: [] }]
  ) {
    const outcome = await sense.compute(config);
    assert.ok(outcome.kind === "error" && /pattern|config\./.test(outcome.message), JSON.stringify(outcome));
  }
});

for (const kind of ["rename", "copy"] as const) {
  long.test(`log-pattern follows rotated files with dates in their names, several at a time, by ${kind}`, async () => {
    await using log = new TestLog();
    await using sense = new TestSense("log-pattern", { read: [log.folder] });
    const config = { ...log.config, rotated: `${log.file}-*` };
    // Neither is a rotated file.
    Deno.writeTextFileSync(`${log.file}-debug`, "ERROR wrong\n");
    Deno.writeTextFileSync(`${log.file}-20260100.gz`, "ERROR wrong\n");
    let day = 0;
    const rotate = () => {
      const old = `${log.file}-202601${String(++day).padStart(2, "0")}`;
      if (kind === "rename") Deno.renameSync(log.file, old);
      else Deno.copyFileSync(log.file, old);
      Deno.writeTextFileSync(log.file, "");
      Deno.utimeSync(old, day, day);
    };
    log.write("ERROR before");
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    log.write("ERROR 1");
    rotate();
    log.write("ERROR 2");
    assert.deepEqual(valueOf(await sense.compute(config)).examples, ["ERROR 1", "ERROR 2"]);
    log.write("ERROR 3");
    rotate();
    log.write("ERROR 4");
    rotate();
    log.write("ERROR 5");
    const found = valueOf(await sense.compute(config));
    assert.deepEqual([found.examples, found.missed], [["ERROR 3", "ERROR 4", "ERROR 5"], false]);
    rotate();
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    log.write("ERROR 6");
    rotate();
    rotate();
    log.write("ERROR 7");
    const more = valueOf(await sense.compute({ ...config, max_read: "9B" }));
    assert.deepEqual([more.examples, more.missed], [["ERROR 6", "ERROR 7"], false]);
  });
}

long.test("log-pattern fails with NotCapable without its grant, and names a missing grant for the rotated file", async () => {
  await using log = new TestLog();
  log.write("ERROR");
  for (const grants of [{}, { read: [`${log.file}.1`] }]) {
    await using sense = new TestSense("log-pattern", grants);
    const outcome = await sense.compute(log.config);
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
  await using sense = new TestSense("log-pattern", { read: [log.file] });
  await sense.compute(log.config);
  log.rename();
  log.write("ERROR");
  assert.equal(valueOf(await sense.compute(log.config)).missed, true);
  assert.match(sense.logs.join("\n"), /read permission for .*app\.log\.1 is missing/);
});

long.test("log-pattern deletes counts older than keep and keeps its place", async () => {
  await following(async (log, sense) => {
    log.write("ERROR");
    await sense.compute(log.config);
    const db = new DatabaseSync(sense.database);
    db.exec("update counts set ts = ts - 2 * 86400000; update places set ts = ts - 2 * 86400000");
    log.write("ERROR");
    assert.equal(valueOf(await sense.compute({ ...log.config, keep: "1d" })).matched, 1);
    assert.equal(db.prepare("select count(*) as n from counts").get()?.n, 1);
    assert.equal(db.prepare("select count(*) as n from places").get()?.n, 1);
    db.close();
  });
});
