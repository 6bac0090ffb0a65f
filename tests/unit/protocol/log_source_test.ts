import assert from "node:assert/strict";
import { isLogSource, sourceForms, sourceKinds } from "../../../src/protocol/log_source.ts";

Deno.test("a source is the kernel, or a named subject of a kind", () => {
  for (const kind of sourceKinds) assert.ok(isLogSource(`${kind}:a`), kind);
  assert.ok(isLogSource("kernel"));
  for (const other of ["", "kernel:a", "sense", "sense:", "unit:a", "Sense:a", " sense:a", "a:sense:b"]) {
    assert.equal(isLogSource(other), false, other);
  }
});

Deno.test("help and hints name every kind", () => {
  assert.equal(sourceForms, "kernel, group:NAME, sense:NAME, workflow:NAME, alert:NAME or hook:NAME");
});
