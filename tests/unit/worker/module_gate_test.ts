import assert from "node:assert/strict";
import { isOpenBuiltin } from "../../../src/worker/module_gate.ts";

Deno.test("what acts on processes, threads or sockets is closed, and so is what nobody has heard of", () => {
  const closed = [
    "child_process",
    "net",
    "http",
    "_http_agent",
    "_tls_wrap",
    "worker_threads",
    "vm",
    "v8",
    "module",
    "test",
  ];
  for (const name of [...closed, "process", "inspector", "unheard-of"]) {
    assert.equal(isOpenBuiltin(`node:${name}`), false, name);
  }
  for (const name of ["fs", "path", "crypto", "sqlite", "stream/promises"]) {
    assert.ok(isOpenBuiltin(`node:${name}`), name);
  }
});
