/** The rows of a query, in every format. */
import assert from "node:assert/strict";
import { writeRows } from "../../../src/cli/render/query_rows.ts";
import { CapturedIo } from "../../support/captured_io.ts";

const io = () => new CapturedIo({ cwd: "/" });

Deno.test("rows are written as table, JSON and CSV", () => {
  const rows = [[1, 'a,"b"', null], [2n ** 60n, "line\nbreak", new Uint8Array([0, 255])]];
  const written = (format: "table" | "json" | "csv") => {
    const captured = io();
    assert.equal(writeRows(captured, { columns: ["id", "text", "extra"], rows }, format), 2);
    return captured.out;
  };
  assert.deepEqual(JSON.parse(written("json")), [
    { id: 1, text: 'a,"b"', extra: null },
    { id: "1152921504606846976", text: "line\nbreak", extra: "x'00ff'" },
  ]);
  assert.equal(
    written("csv"),
    `id,text,extra\n1,"a,""b""",\n1152921504606846976,"line\nbreak",x'00ff'\n`,
  );
  assert.match(written("table"), /^id +text +extra\n1 +a,"b" +NULL\n1152921504606846976 +line\\u000abreak +x'00ff'\n$/);
});

Deno.test("rows end when the reader has closed the pipe", () => {
  const captured = io();
  let read = 0;
  const endless = function* () {
    for (;;) {
      if (++read === 1_000) captured.closeReader();
      yield [read];
    }
  };
  const count = writeRows(captured, { columns: ["n"], rows: endless() }, "json");
  assert.equal(count, 999);
});
