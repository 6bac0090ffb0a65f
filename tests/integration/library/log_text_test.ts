/** What stands in real logs: holes, colours, other encodings. log-pattern on real files, in its sandbox. */
import assert from "node:assert/strict";
import { TestSense, valueOf } from "../../support/library.ts";
import { following, TestLog } from "../../support/log_file.ts";
import { long } from "../../support/long_form.ts";

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

long.test("log-pattern looks at the text of a line without its colours", async () => {
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
  long.test(`log-pattern reads UTF-16 (${order}) with its mark, or when it is told, and else says so`, async () => {
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

long.test("log-pattern reads other encodings when it is told, and else counts what it could not read", async () => {
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

long.test("log-pattern says that a file is packed, and refuses a pattern of folders", async () => {
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
