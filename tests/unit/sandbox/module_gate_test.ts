import assert from "node:assert/strict";
import { isOpenBuiltin } from "../../../src/sandbox/module_gate.ts";
import { readSource, sourceFiles } from "../../support/source_files.ts";

Deno.test("modules that act on processes, threads or sockets are closed, and so are unknown ones", () => {
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
  for (const name of [...closed, "process", "inspector", "sqlite", "unheard-of"]) {
    assert.equal(isOpenBuiltin(`node:${name}`), false, name);
  }
  for (const name of ["fs", "path", "crypto", "stream/promises"]) {
    assert.ok(isOpenBuiltin(`node:${name}`), name);
  }
});

Deno.test("no trusted code of the sandbox creates Node sockets: user code could get at them by EventEmitter.prototype", () => {
  // No user code runs in the realm of tls_worker.ts, which alone loads mail.ts.
  const apart = ["src/sandbox/tls_worker.ts", "src/sandbox/mail.ts"];
  const files = sourceFiles(["sandbox", "store", "sdk", "protocol", "base"].map((room) => `src/${room}`), ".ts")
    .filter((file) => !apart.includes(file));
  assert.ok(files.length > 60);
  for (const file of files) {
    assert.doesNotMatch(readSource(file), /from "node:(net|http|https|http2|tls|dgram|child_process|tty)"/, file);
  }
  const loading = sourceFiles(["src/sandbox"], ".ts").filter((file) => /"\.\/mail\.ts"/.test(readSource(file)));
  assert.deepEqual(loading, ["src/sandbox/tls_worker.ts"]);
  const elsewhere = sourceFiles(["src"], ".ts").filter((file) => readSource(file).includes("sandbox/mail.ts"));
  assert.deepEqual(elsewhere, []);
});
