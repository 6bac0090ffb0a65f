/**
 * Reports of a log that cannot be written. Danger: a line for each of thousands of lost rows, on the disk that is full.
 */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { recoveryAfterMs, reportIntervalMs, WriteFailures } from "../../../src/kernel/write_failures.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const full = new NerveError("STORE_FAILED", "the disk is full", { hint: "free some space" });

function setUp() {
  const clock = new FakeClock(), reports: string[] = [];
  return { clock, reports, failures: new WriteFailures(clock, (message) => reports.push(message)) };
}

Deno.test("a failure is reported at once with its hint, then at most once a minute, with the losses so far", async () => {
  const { clock, reports, failures } = setUp();
  for (let n = 0; n < 1_000; n++) failures.report(full, 1);
  assert.equal(reports.length, 1);
  assert.match(reports[0] ?? "", /^the disk is full \(free some space\)/);
  await clock.tick(reportIntervalMs);
  failures.report(full, 1);
  assert.equal(reports.length, 2);
  assert.match(reports[1] ?? "", /1001$/);
});

Deno.test("the recovery is reported once, with all losses, and the next failure is then reported at once", async () => {
  const { clock, reports, failures } = setUp();
  failures.recordSuccess();
  await clock.tick(recoveryAfterMs);
  assert.deepEqual(reports, []);
  failures.report(full, 2);
  failures.report(full, 3);
  failures.recordSuccess();
  failures.recordSuccess();
  await clock.tick(recoveryAfterMs);
  assert.equal(reports.length, 2);
  assert.match(reports[1] ?? "", /\b5\b.*the disk is full/);
  failures.report(full, 1);
  assert.equal(reports.length, 3);
});

Deno.test("a row that fits on a full disk now and then is no recovery; a stop does not wait for one", async () => {
  const { clock, reports, failures } = setUp();
  for (let n = 0; n < 20; n++) {
    failures.report(full, 1);
    failures.recordSuccess();
    await clock.tick(recoveryAfterMs - 1);
  }
  assert.equal(reports.length, 1);
  failures.stop();
  failures.stop();
  assert.match(reports[1] ?? "", /\b20\b.*the disk is full/);
  assert.equal(reports.length, 2);
  assert.equal(clock.pending, 0);
});

Deno.test("a failure that lost nothing claims no loss", () => {
  const { reports, failures } = setUp();
  failures.report(new NerveError("STORE_FAILED", "locked"), 0);
  assert.deepEqual(reports, ["locked"]);
});
