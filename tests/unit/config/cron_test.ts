/** Cron lines and time zones of nerve.yaml. */
import assert from "node:assert/strict";
import { findCronFault, findTimezoneFault } from "../../../src/config/cron.ts";
import {} from "../../support/parsed_config.ts";

Deno.test("a cron line must be valid, and must have a time at which it fires", () => {
  for (const line of ["0 9 * * 1-5", "*/5 * * * * *", "@daily", "0 0 29 2 *", "0 0 L * *", " 0 9 * * * "]) {
    assert.equal(findCronFault(line), null, line);
  }
  assert.match(findCronFault("0 0 30 2 *")?.message ?? "", /never fires/);
  assert.match(findCronFault("0 0 31 4,6 *")?.message ?? "", /never fires/);
  for (const line of ["", "bogus", "61 * * * *", "* * * *", "0 0 1 1 * * 2030", "2030-01-01T00:00:00", "@sometimes"]) {
    assert.match(findCronFault(line)?.message ?? "", /is not a cron line/, line);
  }
});

Deno.test("a time zone must be known to the machine", () => {
  assert.equal(findTimezoneFault("Europe/Berlin"), null);
  assert.equal(findTimezoneFault("UTC"), null);
  assert.deepEqual(findTimezoneFault("Europe/Berln"), {
    message: '"Europe/Berln" is not a time zone',
    hint: 'did you mean "Europe/Berlin"?',
  });
  assert.match(findTimezoneFault("")?.hint ?? "", /write a name/);
});
