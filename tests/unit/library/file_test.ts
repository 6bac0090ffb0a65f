/** The file that notify appends to. Danger: a note that appears twice after a crash, or two notes on one line. */
import assert from "node:assert/strict";
import { inTempDir } from "../../support/temp_workspace.ts";
import { appendOnce } from "../../../workflows/notify/file.ts";

Deno.test("appendOnce() writes each key once, as one line", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/notes.log`;
    assert.equal(await appendOnce(path, { key: "k1", text: "one\r\ntwo", payload: { n: 1 } }), true);
    assert.equal(await appendOnce(path, { key: "k1", text: "again", payload: null }), false);
    assert.equal(await appendOnce(path, { key: "k2", text: "", payload: null }), true);
    const lines = (await Deno.readTextFile(path)).split("\n").map((line) => line.replace(/^\S+Z /, ""));
    assert.deepEqual(lines, [String.raw`[k1] one\r\ntwo {"n":1}`, "[k2]", ""]);
  });
});

Deno.test("a line that a crash cut off does not count, and ends before the next line begins", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/notes.log`;
    await Deno.writeTextFile(path, "2026-01-01T00:00:00.000Z [k1] ha");
    assert.equal(await appendOnce(path, { key: "k1", text: "whole", payload: null }), true);
    assert.match(await Deno.readTextFile(path), /^\S+ \[k1\] ha\n\S+ \[k1\] whole\n$/);
  });
});

Deno.test("a key in the text of another note does not count, and a long line is cut", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/notes.log`;
    await appendOnce(path, { key: "k1", text: "[k2] in the text", payload: null });
    assert.equal(await appendOnce(path, { key: "k2", text: "x".repeat(20_000), payload: null }), true);
    assert.match((await Deno.readTextFile(path)).split("\n")[1] ?? "", /^.{16384}\.\.\.$/);
  });
});
