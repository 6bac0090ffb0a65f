/** The schemas of the API that have rules of their own. */
import assert from "node:assert/strict";
import {
  archiveRequestSchema,
  killRunRequestSchema,
  startRunRequestSchema,
  unitViewSchema,
} from "../../../src/protocol/api.ts";
import { problemStatus } from "../../../src/protocol/problem.ts";

Deno.test("a request with an unknown key is rejected, because the key may be misspelt", () => {
  assert.ok(!startRunRequestSchema.safeParse({ promt: "go" }).success);
  assert.ok(!killRunRequestSchema.safeParse({ why: "x" }).success);
  assert.ok(!archiveRequestSchema.safeParse({ dry_run: true }).success);
  for (const schema of [startRunRequestSchema, killRunRequestSchema, archiveRequestSchema]) {
    assert.ok(schema.safeParse({}).success);
  }
});

Deno.test("a unit of an older daemon, without the field for code that is not running, can be read", () => {
  const old = {
    kind: "group",
    name: "a",
    state: "running",
    reason: null,
    pid: 1,
    memoryBytes: 1,
    deaths: 0,
    senses: [],
  };
  assert.equal(unitViewSchema.parse(old).problem, null);
});

Deno.test("an error of the client is a 4xx, an error of nerve is a 5xx", () => {
  for (const code of ["PAYLOAD_INVALID", "SENSE_UNKNOWN", "RUN_CONFLICT", "USAGE"] as const) {
    assert.ok(problemStatus[code] < 500, code);
  }
  for (const code of ["STORE_FAILED", "INTERNAL", "DAEMON_MISSING"] as const) {
    assert.ok(problemStatus[code] >= 500, code);
  }
});
