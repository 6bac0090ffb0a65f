/** Pressure and load as the system reports them, in the forms that public reports show. */
import assert from "node:assert/strict";
import { isNotSupported, parseLoad, parsePressure } from "../../../senses/load/pressure.ts";

Deno.test("parsePressure() reads both lines, and does without the second, as processors have it before Linux 5.13", () => {
  const some = "some avg10=2.65 avg60=2.78 avg300=2.92 total=111749368752\n";
  const full = "full avg10=0.00 avg60=100.00 avg300=0.05 total=14379320\n";
  assert.deepEqual(parsePressure(some + full), { some: [0.0265, 0.0278, 0.0292], full: [0, 1, 0.0005] });
  assert.deepEqual(parsePressure(some), { some: [0.0265, 0.0278, 0.0292], full: null });
  assert.throws(() => parsePressure(""), /unknown form/);
});

Deno.test("isNotSupported() knows PSI that is switched off from other failures", () => {
  assert.ok(isNotSupported(new Error("Operation not supported (os error 95)")));
  assert.ok(!isNotSupported(new Error("Input/output error (os error 5)")));
});

Deno.test("parseLoad() counts the processors that are on, not the one line for all", () => {
  const stat = "cpu  1 2 3\ncpu0 1 2 3\ncpu2 1 2 3\nintr 1\ncpus 3\n";
  assert.deepEqual(parseLoad("11.34 7.18 6.86 3/1234 99\n", stat), { load: [11.34, 7.18, 6.86], cpus: 2 });
  assert.throws(() => parseLoad("", stat), /loadavg/);
});
