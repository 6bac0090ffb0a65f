/** log-pattern on real files that grow and are rotated, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Grants, TestSense, valueOf } from "../../support/library.ts";

/** A log file with a program that writes it, in a folder of its own. */
class TestLog implements AsyncDisposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-log-" }));
  readonly file: string = `${this.folder}/app.log`;
  readonly grants: Grants = { read: [this.file, `${this.file}.1`] };
  readonly config = { file: this.file, patterns: ["ERROR", "\\bmemory\\b"] };

  write(...lines: string[]): void {
    this.append(lines.map((line) => `${line}\n`).join(""));
  }

  append(text: string): void {
    Deno.writeTextFileSync(this.file, text, { append: true });
  }

  /** As logrotate does with `create`. */
  rename(): void {
    Deno.renameSync(this.file, `${this.file}.1`);
    Deno.writeTextFileSync(this.file, "");
  }

  /** As logrotate does with `copytruncate`. */
  copyAndTruncate(): void {
    Deno.copyFileSync(this.file, `${this.file}.1`);
    Deno.truncateSync(this.file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function following(
  test: (log: TestLog, sense: TestSense) => Promise<void>,
): Promise<void> {
  await using log = new TestLog();
  log.write("old ERROR");
  await using sense = new TestSense("log-pattern", log.grants);
  assert.deepEqual(await sense.compute(log.config), { kind: "null" }, "what was there before does not count");
  await test(log, sense);
}

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

Deno.test("log-pattern counts a line once it is complete, and existing lines only if configured", async () => {
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
  Deno.test(`log-pattern neither loses nor repeats a line across a rotation by ${kind}`, async () => {
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

  Deno.test(`log-pattern detects a rotation by ${kind} when the new file is longer than the old place`, async () => {
    await following(async (log, sense) => {
      log.write("ERROR 1");
      await sense.compute(log.config);
      log[kind]();
      log.write(...Array.from({ length: 50 }, (_, index) => `ERROR new ${index}`));
      const found = valueOf(await sense.compute(log.config));
      assert.deepEqual([found.matched, found.examples[0], found.missed], [50, "ERROR new 0", false]);
    });
  });

  Deno.test(`log-pattern reports lines lost in two rotations by ${kind}`, async () => {
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

Deno.test("log-pattern sees lines written to an empty file before it was copied and emptied", async () => {
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

Deno.test("log-pattern continues where it stopped when there is more than one compute may read, also across a rotation", async () => {
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

Deno.test("log-pattern splits an endless line, and accepts bytes that are not text", async () => {
  await following(async (log, sense) => {
    log.append(`${"x".repeat(40_000)} ERROR\n`);
    Deno.writeFileSync(log.file, Uint8Array.of(0xff, 0xfe, 0x00, 10), { append: true });
    const found = valueOf(await sense.compute(log.config));
    assert.deepEqual([found.lines, found.matched], [4, 1]);
    assert.ok(found.examples[0].length <= 300);
  });
});

Deno.test("log-pattern keeps its place while the file is missing, and continues when it is back", async () => {
  await following(async (log, sense) => {
    log.write("ERROR before");
    Deno.renameSync(log.file, `${log.file}.1`);
    const gone = await sense.compute(log.config);
    assert.ok(gone.kind === "error" && /No such file/.test(gone.message), JSON.stringify(gone));
    log.write("ERROR after");
    assert.deepEqual(valueOf(await sense.compute(log.config)).examples, ["ERROR before", "ERROR after"]);
  });
});

Deno.test("log-pattern rejects a pattern without bounded cost, and a relative path", async () => {
  await using sense = new TestSense("log-pattern", {});
  for (
    const config of [{ file: "/x", patterns: ["(a)\\1"] }, { file: "x", patterns: ["a"] }, { file: "/x", patterns: [] }]
  ) {
    const outcome = await sense.compute(config);
    assert.ok(outcome.kind === "error" && /pattern|config\./.test(outcome.message), JSON.stringify(outcome));
  }
});

for (const kind of ["rename", "copy"] as const) {
  Deno.test(`log-pattern follows rotated files with dates in their names, several at a time, by ${kind}`, async () => {
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

Deno.test("log-pattern passes a hole of zeros by, and one within a line ends it", async () => {
  await following(async (log, sense) => {
    using writer = Deno.openSync(log.file, { write: true });
    writer.seekSync(0, Deno.SeekMode.End);
    const put = (text: string) => writer.writeSync(new TextEncoder().encode(text));
    put(`${"fine\n".repeat(100_000)}`);
    assert.deepEqual(await sense.compute(log.config), { kind: "null" });
    Deno.copyFileSync(log.file, `${log.file}.1`);
    Deno.truncateSync(log.file);
    put("ERROR 1\nhalf");
    writer.seekSync(4_096, Deno.SeekMode.Current);
    put("ERROR 2\na\0b ERROR 3\n");
    const found = valueOf(await sense.compute({ ...log.config, patterns: ["^ERROR", "ab ERROR"] }));
    assert.deepEqual([found.lines, found.matched, found.missed], [4, 3, false]);
    assert.deepEqual(found.examples, ["ERROR 1", "ERROR 2", "ab ERROR 3"]);
  });
});

Deno.test("log-pattern looks at the text of a line without its colours", async () => {
  await following(async (log, sense) => {
    log.write("\x1b[1;31mERROR\x1b[0m: \x1b]8;;http://example.com\x07out of \x1b[4mmemory\x1b[24m\x1b]8;;\x07!");
    const found = valueOf(await sense.compute({ ...log.config, patterns: ["^ERROR\\b", "\\bmemory\\b"] }));
    assert.deepEqual(found.counts.map(({ lines }: { lines: number }) => lines), [1, 1]);
    assert.deepEqual(found.examples, ["ERROR: out of memory!"]);
  });
});

const toUtf16 = (text: string, order: "le" | "be") => {
  const bytes = new Uint8Array(2 * text.length), view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at++) view.setUint16(2 * at, text.charCodeAt(at), order === "le");
  return bytes;
};

for (const order of ["le", "be"] as const) {
  Deno.test(`log-pattern reads UTF-16 (${order}) with its mark, or when it is told, and else says so`, async () => {
    await using log = new TestLog();
    const put = (text: string) => Deno.writeFileSync(log.file, toUtf16(text, order), { append: true });
    // \u0a0d and \u0d0a hold the byte of a line break.
    const text = "12:00 ERROR \u0a0d\u0d0a one\r\n12:01 fine\r\nERROR ha";
    Deno.writeTextFileSync(log.file, "");
    put(`\uFEFFold ERROR\n`);
    await using marked = new TestSense("log-pattern", log.grants);
    assert.deepEqual(await marked.compute(log.config), { kind: "null" });
    put(text);
    assert.deepEqual(valueOf(await marked.compute(log.config)).examples, ["12:00 ERROR \u0a0d\u0d0a one"]);
    put("lf\n");
    assert.deepEqual(valueOf(await marked.compute(log.config)).examples, ["ERROR half"]);
    Deno.writeTextFileSync(log.file, "");
    put(text);
    await using bare = new TestSense("log-pattern", log.grants);
    const config = { ...log.config, from_start: true }, outcome = await bare.compute(config);
    assert.ok(outcome.kind === "error" && /looks like UTF-16 .* set encoding/.test(outcome.message));
    const found = valueOf(await bare.compute({ ...config, encoding: `utf-16${order}` }));
    assert.deepEqual([found.lines, found.examples], [2, ["12:00 ERROR \u0a0d\u0d0a one"]]);
  });
}

Deno.test("log-pattern reads other encodings when it is told, and else counts what it could not read", async () => {
  await following(async (log, sense) => {
    const put = () => Deno.writeFileSync(log.file, Uint8Array.of(0x45, 0x72, 0xe4, 10), { append: true });
    put();
    const bad = valueOf(await sense.compute({ ...log.config, patterns: ["^Er"] }));
    assert.deepEqual([bad.undecodedLines, bad.examples], [1, ["Er\uFFFD"]]);
    assert.match(sense.logs.join("\n"), /1 lines of .* set config\.encoding/);
    put();
    const told = valueOf(await sense.compute({ ...log.config, patterns: ["^Er\u00e4$"], encoding: "iso-8859-1" }));
    assert.deepEqual([told.matched, told.undecodedLines], [1, 0]);
    const wrong = await sense.compute({ ...log.config, encoding: "klingon" });
    assert.ok(wrong.kind === "error" && /klingon" is not known/.test(wrong.message));
  });
});

Deno.test("log-pattern says that a file is packed, and refuses a pattern of folders", async () => {
  await using log = new TestLog();
  Deno.writeFileSync(log.file, Uint8Array.of(0x1f, 0x8b, 8, 0, 10));
  await using sense = new TestSense("log-pattern", log.grants);
  const packed = await sense.compute(log.config);
  assert.ok(packed.kind === "error" && /it is packed \(gzip\)/.test(packed.message));
  for (const rotated of ["/var/*/app.log", "/var/log/a*b*"]) {
    const outcome = await sense.compute({ ...log.config, rotated });
    assert.ok(outcome.kind === "error" && /may have one \*/.test(outcome.message), rotated);
  }
});

Deno.test("log-pattern fails with NotCapable without its grant, and names a missing grant for the rotated file", async () => {
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

Deno.test("log-pattern deletes counts older than keep and keeps its place", async () => {
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
