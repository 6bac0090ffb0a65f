/** How the command line writes. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { toPrintable } from "../../../src/base/printable.ts";
import { writeRows } from "../../../src/cli/render/query_rows.ts";
import {
  clip,
  formatDateTime,
  formatDistance,
  printError,
  printJson,
  printPage,
  printTable,
  toJsonLine,
  toOneLine,
} from "../../../src/cli/render/terminal.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import fc from "../../support/fast_check.ts";

const io = () => new CapturedIo({ cwd: "/" });

Deno.test("text from user code cannot control a terminal", () => {
  assert.equal(toPrintable("\x1b[2Jgone\u202e\u0007"), "\\u001b[2Jgone\\u202e\\u0007");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert.doesNotMatch(clip(text, 50), /[\u0000-\u001f\u007f-\u009f]/);
    assert.ok(Array.from(clip(text, 50)).length <= 50);
  }));
});

Deno.test("a printed time has its offset, so that it means the same in every time zone", () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true, min: new Date("1975-01-01"), max: new Date("2400-01-01") }), (date) => {
      const text = formatDateTime(date.getTime());
      assert.match(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
      assert.equal(Date.parse(text.replace(" ", "T")), Math.floor(date.getTime() / 1_000) * 1_000);
    }),
  );
});

Deno.test("JSON output cannot control a terminal either, and means the same", () => {
  // JSON.stringify leaves DEL, C1 and the bidirectional controls as they are: U+009B begins a command, as ESC [ does.
  fc.assert(fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.string({ unit: "binary" }), (value, more) => {
    const captured = io(), given = { value, more: `${more}\x1b[2J\x7f\u009b2J\u202e` };
    printJson(captured, given);
    writeRows(captured, { columns: ["text"], rows: [[given.more]] }, "json");
    printError(captured, new NerveError("USAGE", given.more), true);
    // deno-lint-ignore no-control-regex -- these are what must not be there
    const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
    assert.doesNotMatch(captured.out + captured.err, obeyed);
    assert.deepEqual(JSON.parse(toJsonLine(given)), JSON.parse(JSON.stringify(given)));
    assert.deepEqual(
      JSON.parse(captured.out.slice(0, captured.out.indexOf("\n}\n") + 3)),
      JSON.parse(JSON.stringify(given)),
    );
  }));
});

Deno.test("several lines become one, and stay harmless", () => {
  assert.equal(toOneLine("nerve.yaml:2: no\n   write it so\x1b[2J\n", 100), "nerve.yaml:2: no | write it so\\u001b[2J");
  assert.equal(toOneLine("a\nb".repeat(50), 10).length, 10);
});

Deno.test("a table aligns its columns, also beside wide characters, and colours nothing in a pipe", () => {
  const captured = io();
  printTable(captured, ["", "NAME", "N"], [["🟢", "a", "1"], ["⚪", "long-name", "22"], ["🔴", "漢", "3"]]);
  assert.equal(
    captured.out,
    "    NAME       N\n🟢  a          1\n⚪  long-name  22\n🔴  漢         3\n",
  );
  const terminal = new CapturedIo({ cwd: "/", colour: true });
  printTable(terminal, ["A"], []);
  assert.equal(terminal.out, "\x1b[2mA\x1b[22m\n");
});

Deno.test("a page says how many of how many rows it shows, and the next command only when there are more", () => {
  const page = { offset: 20, shown: 20, total: 57, what: "runs", next: "nerve workflow list --offset 40" };
  const first = io();
  printPage(first, page);
  assert.equal(first.out, "21-40 of 57 runs\nnext: nerve workflow list --offset 40\n");
  const last = io();
  printPage(last, { ...page, offset: 40, shown: 17 });
  assert.equal(last.out, "41-57 of 57 runs\n");
  const none = io();
  printPage(none, { ...page, offset: 0, shown: 0, total: 0 });
  assert.equal(none.out, "no runs\n");
});

Deno.test("an error is one line for what failed, one for what to do, and a stack only on request", () => {
  const error = new NerveError("DAEMON_MISSING", "No daemon runs", { hint: "nerve run", cause: new Error("ENOENT") });
  const plain = io();
  assert.equal(printError(plain, error), 3);
  assert.equal(plain.err, "❌ No daemon runs\n   nerve run\n");
  const debugging = new CapturedIo({ cwd: "/", env: { NERVE_DEBUG: "1" } });
  printError(debugging, error);
  assert.match(debugging.err, /terminal_test\.ts:\d+/);
  assert.match(debugging.err, /ENOENT/);
  assert.equal(printError(io(), new NerveError("USAGE", "x")), 2);
  assert.equal(printError(io(), new TypeError("x is not a function")), 1);
});

Deno.test("a time difference is shown in its largest unit", () => {
  assert.deepEqual([999, 12_000, 180_000, 7_200_000, 172_800_000].map((ms) => formatDistance(0, ms)), [
    "1s ago",
    "12s ago",
    "3m ago",
    "2h ago",
    "2d ago",
  ]);
  assert.deepEqual([formatDistance(0, 0), formatDistance(5_000, 0)], ["now", "in 5s"]);
});
