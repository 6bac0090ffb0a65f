import assert from "node:assert/strict";
import { parseTime } from "../../../src/cli/time_flag.ts";

Deno.test("a time is one in the local zone, or in the one behind it", () => {
  assert.equal(parseTime("2026-12-24T18:00Z"), Date.UTC(2026, 11, 24, 18));
  assert.equal(parseTime("2026-12-24 18:00:30+01:00"), Date.UTC(2026, 11, 24, 17, 0, 30));
  assert.equal(parseTime("2026-12-24T18:00"), new Date(2026, 11, 24, 18).getTime());
});

Deno.test("what is no time, and a day that no month has, is refused", () => {
  for (
    const text of [
      ...[
        "",
        "now",
        "18:00",
        "2026-12-24",
        "2026-02-31T00:00",
        "2026-13-01T00:00",
        "2026-12-24T25:00",
        "2026-12-24T23:60",
      ],
      ...["2026-12-24T18:00+1", "2026-12-24T18:00 Europe/Berlin", " 2026-12-24T18:00", "1766599200000"],
    ]
  ) assert.equal(parseTime(text), null, text);
});
