import assert from "node:assert/strict";
import type { LogRow } from "../../../src/protocol/log.ts";
import { describeRow } from "../../../dashboard/row_text.ts";

function describe(type: LogRow["type"], payload: LogRow["payload"]): string {
  return describeRow({ id: 1, ts: 0, source: "sense:a", type, refId: "a", causeId: null, payload });
}

Deno.test("describeRow() says where code is wrong, and how often only of what was more than once", () => {
  const place = { file: "senses/a/index.ts", line: 2, column: 38 };
  const problems = [{ message: "Expression expected", place }];
  assert.equal(describe("sense.load_failed", { problems }), "Expression expected (senses/a/index.ts:2:38)");
  assert.equal(describe("sense.load_failed", { problems: [{ message: "no compute", place: null }] }), "no compute");
  assert.equal(describe("sense.error", { message: "503", repeated: 1 }), "503");
  assert.equal(describe("sense.error", { message: "503", repeated: 3 }), "503 ×3");
});
