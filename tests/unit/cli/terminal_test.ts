/** How the command line writes. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { toPrintable } from "../../../src/base/printable.ts";
import { fitBudget } from "../../../src/cli/commands/workflow_thread.ts";
import { formatEvent, Tally } from "../../../src/cli/render/event_lines.ts";
import { writeRows } from "../../../src/cli/render/query_rows.ts";
import {
  clip,
  formatDistance,
  printError,
  printJson,
  printPage,
  printTable,
  toJsonLine,
  toOneLine,
} from "../../../src/cli/render/terminal.ts";
import type { RunMessage } from "../../../src/protocol/run.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { aRun } from "../../support/fake_view.ts";

const io = () => new CapturedIo({ cwd: "/" });

Deno.test("what users' code wrote cannot command a terminal", () => {
  assert.equal(toPrintable("\x1b[2Jgone\u202e\u0007"), "\\u001b[2Jgone\\u202e\\u0007");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert.doesNotMatch(clip(text, 50), /[\u0000-\u001f\u007f-\u009f]/);
    assert.ok(Array.from(clip(text, 50)).length <= 50);
  }));
});

Deno.test("JSON for a program commands no terminal either, and means the same", () => {
  // JSON.stringify leaves DEL, C1 and the bidirectional controls as they are: U+009B begins a command as ESC [ does.
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

Deno.test("a page says how much of how much it shows, and the next command only when there is more", () => {
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

Deno.test("an error is one line for what failed, one for what to do, and a stack only for who asks", () => {
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

Deno.test("a distance is in its largest unit", () => {
  assert.deepEqual([999, 12_000, 180_000, 7_200_000, 172_800_000].map((ms) => formatDistance(0, ms)), [
    "1s ago",
    "12s ago",
    "3m ago",
    "2h ago",
    "2d ago",
  ]);
  assert.deepEqual([formatDistance(0, 0), formatDistance(5_000, 0)], ["now", "in 5s"]);
});

Deno.test("an event is one line, however its text looks", () => {
  const signal = { id: 1, sense: "cpu-usage", payload: { text: `a\n${"b".repeat(1_000)}` }, ts: 0 };
  const line = formatEvent({ kind: "signal", signal }) ?? "";
  assert.match(line, /^📡 cpu-usage \{"text":"a\\nb+\.\.\.$/);
  assert.ok(line.length < 200);
  assert.equal(formatEvent({ kind: "log", source: "sense:a", level: "debug", message: "x", ts: 0 }), null);
  assert.equal(formatEvent({ kind: "unit", unit: "group:a", change: "ready", message: "x", ts: 0 }), null);
  const failed = aRun({ status: "failed", exitCode: 1, reason: "role scan\nthrew", attempt: 2 });
  assert.equal(
    formatEvent({ kind: "run", run: failed }),
    "❌ cleanup run-1 failed after 2 rounds, 800ms (exit 1): role scan\\u000athrew",
  );
});

Deno.test("the tally counts each run once, by its last status", () => {
  const tally = new Tally();
  for (const status of ["queued", "started", "completed"] as const) tally.count({ kind: "run", run: aRun({ status }) });
  tally.count({ kind: "run", run: aRun({ runId: "run-2", status: "failed" }) });
  tally.count({ kind: "problem", source: "kernel", message: "x", ts: 0 });
  tally.count({ kind: "unit", unit: "group:a", change: "ended", message: "x", ts: 0 });
  assert.equal(String(tally), "0 signals, 2 runs (1 completed, 1 failed), 1 problem");
});

const thread = (lengths: readonly number[]): RunMessage[] =>
  lengths.map((length, at) => ({ round: at + 1, role: "r", content: "x".repeat(length), meta: {}, ts: at }));

Deno.test("a thread shows the newest messages that fit, oldest first, and always the newest", () => {
  const rounds = (lengths: number[], budget: number) =>
    fitBudget(thread(lengths).reverse(), budget).map(({ round }) => round);
  assert.deepEqual(rounds([5, 5, 5], 100), [1, 2, 3]);
  assert.deepEqual(rounds([5, 5, 5], 10), [2, 3]);
  assert.deepEqual(rounds([5, 50, 5], 10), [3]);
  assert.deepEqual(rounds([5, 500], 10), [2]);
  assert.equal(fitBudget(thread([500]), 10)[0]?.content, `${"x".repeat(10)}\n[490 more characters]`);
  assert.deepEqual(rounds([], 10), []);
});

Deno.test("a thread's budget holds for any lengths", () => {
  fc.assert(fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 200 }), (lengths, budget) => {
    const shown = fitBudget(thread(lengths).reverse(), budget);
    const chars = shown.reduce((total, { content }) => total + content.split("\n[")[0]!.length, 0);
    assert.ok(chars <= budget);
    assert.equal(shown.at(-1)?.round, lengths.length === 0 ? undefined : lengths.length);
  }));
});

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

Deno.test("rows end when the reader has gone", () => {
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
