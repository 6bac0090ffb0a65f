/** The messages between the supervisor and its kernel. All other output is text, and may be the reason of a death. */
import fc from "../../support/fast_check.ts";
import assert from "node:assert/strict";
import { parseKernelRecord, parseStartReport } from "../../../src/daemon/supervisor_protocol.ts";

Deno.test("a record is read back as it was written", () => {
  const refused = { t: "refused", refusal: { code: "CONFIG_INVALID", message: "no", hint: null } } as const;
  assert.deepEqual(parseKernelRecord(JSON.stringify(refused)), refused);
  assert.deepEqual(parseStartReport(JSON.stringify(refused)), refused);
  assert.deepEqual(parseKernelRecord('{"t":"ready"}'), { t: "ready" });
  const started = { t: "started", pid: 2, supervisor: 1 };
  assert.deepEqual(parseStartReport(JSON.stringify(started)), started);
});

Deno.test("a record of the other direction, a cut-off record and plain text are ignored", () => {
  assert.equal(parseKernelRecord('{"t":"started","pid":1,"supervisor":1}'), null);
  assert.equal(parseStartReport('{"t":"ready"}'), null);
  for (const text of ['{"t":"ready"', '{"t":', '{"u":"ready"}', "error: Uncaught", "", "[1]"]) {
    assert.equal(parseKernelRecord(text), null, text);
  }
});

Deno.test("the readers never throw", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    parseKernelRecord(text);
    parseStartReport(`{"t":${text}`);
  }));
});
