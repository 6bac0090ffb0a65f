import assert from "node:assert/strict";
import { type EndKind, isWanted, toFailedStart, toProcessEnd } from "../../../src/process/exit_cause.ts";

Deno.test("toProcessEnd() distinguishes out of memory, abort, kill and ordinary exits", () => {
  const heap = "Fatal JavaScript out of memory: Ineffective mark-compacts near heap limit\nStack backtrace:";
  const cases: [{ code: number; signal: string | null }, string, EndKind, RegExp][] = [
    [{ code: 133, signal: "SIGTRAP" }, "", "out_of_memory", /memory limit/],
    [{ code: 133, signal: "SIGTRAP" }, heap, "out_of_memory", /memory limit/],
    [{ code: 134, signal: "SIGABRT" }, heap, "out_of_memory", /memory limit/],
    [{ code: 134, signal: "SIGABRT" }, "something else", "aborted", /SIGABRT/],
    [{ code: 139, signal: "SIGSEGV" }, "", "aborted", /^crashed \(SIGSEGV\)$/],
    [{ code: 137, signal: "SIGKILL" }, "", "killed", /from outside \(SIGKILL\)/],
    [{ code: 143, signal: "SIGTERM" }, "", "killed", /SIGTERM/],
    [{ code: 1, signal: null }, "", "exited", /^exited with code 1$/],
    [
      { code: 1, signal: null },
      "first\n  error: no such file  \n\n",
      "exited",
      /^exited with code 1: +error: no such file/,
    ],
    [{ code: 0, signal: null }, "", "exited", /code 0/],
  ];
  for (const [status, words, kind, expected] of cases) {
    const end = toProcessEnd(status, words);
    assert.equal(end.kind, kind, JSON.stringify(status));
    assert.match(end.message, expected);
  }
});

Deno.test("isWanted() holds for the ends that nerve decided on without a failure", () => {
  const all: EndKind[] = [
    "ended",
    "recycled",
    "out_of_memory",
    "memory_limit",
    "aborted",
    "killed",
    "stuck",
    "timeout",
    "protocol",
    "fault",
    "no_start",
    "exited",
  ];
  assert.deepEqual(all.filter((kind) => isWanted({ kind, message: "" })), ["ended", "recycled"]);
});

Deno.test("toFailedStart() blames code for no end before it was loaded, except for its configured limits", () => {
  const end = (kind: EndKind) => ({ kind, message: "did x" });
  for (const kind of ["exited", "aborted", "killed", "fault", "protocol", "stuck"] as const) {
    assert.deepEqual(toFailedStart(end(kind)), { kind: "no_start", message: "did x, before it loaded any code" });
  }
  for (const kind of ["ended", "recycled", "out_of_memory", "memory_limit", "disk_limit", "no_start"] as const) {
    assert.deepEqual(toFailedStart(end(kind)), end(kind));
  }
});
