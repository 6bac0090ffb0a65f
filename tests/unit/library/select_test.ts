/** The subjects that a report can name. */
import assert from "node:assert/strict";
import { parseSubject } from "../../../workflows/report/select.ts";

Deno.test("parseSubject() takes a sense, a table, a column and conditions", () => {
  assert.deepEqual(parseSubject("network-counters/readings/received_bytes?name=eth0&up=1"), {
    ...{ text: "network-counters/readings/received_bytes?name=eth0&up=1", sense: "network-counters" },
    ...{ table: "readings", column: "received_bytes", conditions: [["name", "eth0"], ["up", "1"]] },
  });
  assert.deepEqual(parseSubject("cpu/readings/used").conditions, []);
  for (const text of ["", "cpu/used", "cpu/readings/used;drop", "../x/readings/used", "cpu/read ings/used"]) {
    assert.throws(() => parseSubject(text), /config\.charts must hold/);
  }
});
