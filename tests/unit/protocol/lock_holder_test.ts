import assert from "node:assert/strict";
import { describeLockHolder, formatLockHolder, parseLockHolder } from "../../../src/protocol/lock_holder.ts";

Deno.test("the line in nerve.lock says whose it is, in one printable line", () => {
  const holder = {
    pid: 42,
    startTime: "7",
    kind: "embedded",
    program: "my  program\n\x1b[31m\u202e 1 2 daemon",
  } as const;
  const line = formatLockHolder(holder);
  assert.equal(line, "42 7 embedded my program \\u001b[31m\\u202e 1 2 daemon\n");
  assert.deepEqual(parseLockHolder(line), { ...holder, program: "my program \\u001b[31m\\u202e 1 2 daemon" });
  assert.equal(describeLockHolder(holder).startsWith("the program my"), true);
});

Deno.test("a line of an earlier version is a daemon of nerve, and a cut-off one is nobody's", () => {
  assert.deepEqual(parseLockHolder("42 7\n"), { pid: 42, startTime: "7", kind: "foreground", program: "nerve" });
  assert.deepEqual(parseLockHolder("42"), { pid: 42, startTime: null, kind: "foreground", program: "nerve" });
  for (const text of ["", "\n", "x 7", "-1 7"]) assert.equal(parseLockHolder(text), null);
});
