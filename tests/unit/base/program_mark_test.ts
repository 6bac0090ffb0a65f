/** Marks: what is written into a mark is read from it again, and nothing else is a mark. */
import assert from "node:assert/strict";
import { formatProcessMark, formatWork, identifyWorkspace, parseMark } from "../../../src/base/program_mark.ts";

const process = { workspace: "1-2", owner: { pid: 7, startTime: "55" }, process: 3, kind: "workflow", unit: "w" };

Deno.test("parseMark() reads what formatProcessMark() and formatWork() wrote, whatever the role is named", () => {
  for (const subject of ["", "scan", "a.b", "..", "%2E", "a=b\0c", "role \ud800 ü 🙂", "x".repeat(256)]) {
    const text = formatProcessMark(process) + formatWork(12, subject);
    assert.deepEqual(parseMark(text), { ...process, work: 12, subject: subject.toWellFormed() }, subject);
    assert.match(text, /^[\x21-\x7e]+$/);
  }
});

Deno.test("parseMark() takes nothing else", () => {
  for (const text of ["", "x", "1-2.7-55.3.group.g.1", "1-2.7-55.3.group.g.1.a.b", "1.2.3.4.5.6.%"]) {
    assert.equal(parseMark(text), null, text);
  }
});

Deno.test("identifyWorkspace() tells two folders apart", () => {
  assert.equal(identifyWorkspace("/tmp"), identifyWorkspace("/tmp/../tmp"));
  assert.notEqual(identifyWorkspace("/tmp"), identifyWorkspace("/"));
});
