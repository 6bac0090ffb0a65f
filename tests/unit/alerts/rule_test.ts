/** What the expressions of an alert say of a signal, without the machine behind them. */
import assert from "node:assert/strict";
import { type AlertInput, CompiledAlert } from "../../../src/alerts/rule.ts";
import { alertKeyMaxChars, alertSummaryMaxChars } from "../../../src/base/alert_limits.ts";
import type { AlertDefinition } from "../../../src/protocol/alert.ts";
import fc from "../../support/fast_check.ts";

const plain: AlertDefinition = {
  name: "full",
  sense: "disk",
  when: "signal.used > 0.9",
  clear: null,
  forMs: 0,
  keepFiringMs: 0,
  absentMs: null,
  key: null,
  severity: "warning",
  summary: null,
  workflow: null,
  repeatMs: null,
  limit: { count: 1, perMs: 1 },
};
const compiled = (changes: Partial<AlertDefinition> = {}) => new CompiledAlert({ ...plain, ...changes });
const input = (signal: unknown, key = "", last: unknown = null): AlertInput => ({ signal, key, last: () => last });

Deno.test("without a key there is one state; with one, a text or a number of the signal names it", () => {
  assert.deepEqual(compiled().keyOf({ used: 1 }), { value: "", fault: null });
  const keyed = compiled({ key: "signal.path" });
  assert.deepEqual(keyed.keyOf({ path: "/" }), { value: "/", fault: null });
  assert.deepEqual(keyed.keyOf({ path: 8080 }), { value: "8080", fault: null });
  assert.deepEqual(compiled({ key: "sense" }).keyOf({}), { value: "disk", fault: null });
});

Deno.test("a key that is no text or number, is missing or too long is a fault of key", () => {
  const keyed = compiled({ key: "signal.path" }), long = "a".repeat(alertKeyMaxChars);
  assert.equal(keyed.keyOf({ path: long }).fault, null);
  for (const signal of [{ path: `${long}a` }, { path: null }, { path: [1] }, { path: {} }, {}, null, 5, "text"]) {
    assert.equal(keyed.keyOf(signal).fault?.expression, "key", JSON.stringify(signal));
  }
});

Deno.test("clear is asked only while the condition holds; between the two nothing changes", () => {
  const both = compiled({ clear: "signal.used < 0.8" });
  const verdict = (used: unknown, holds: boolean) => both.observe(input({ used }), holds);
  assert.deepEqual(verdict(0.95, false), { observation: { verdict: { when: true, clear: false } }, fault: null });
  assert.deepEqual(verdict(0.85, true), { observation: { verdict: { when: false, clear: false } }, fault: null });
  assert.deepEqual(verdict(0.7, true), { observation: { verdict: { when: false, clear: true } }, fault: null });
  assert.deepEqual(verdict(0.85, false), { observation: { verdict: { when: false, clear: true } }, fault: null });
  const broken = compiled({ clear: "signal.none < 0.8" });
  assert.equal(broken.observe(input({ used: 0.5 }), false).fault, null, "not asked, so it cannot fail");
  assert.deepEqual([broken.observe(input({ used: 0.5 }), true)].map(({ fault }) => fault?.expression), ["clear"]);
});

Deno.test("an expression that fails, or is not true or false, decides nothing and says which one it was", () => {
  for (const when of ["signal.used", "signal.none > 1", "signal.path > 1"]) {
    const { observation, fault } = compiled({ when }).observe(input({ used: 0.5, path: "/" }), false);
    assert.deepEqual([observation, fault?.expression], [{ verdict: null }, "when"], when);
  }
});

Deno.test("last is read only where an expression names it", () => {
  let reads = 0;
  const counted = (signal: unknown): AlertInput => ({ signal, key: "", last: () => (reads++, { used: 0.1 }) });
  assert.equal(compiled().usesLast, false);
  compiled().observe(counted({ used: 1 }), false);
  assert.equal(reads, 0);
  const jump = compiled({ when: "signal.used - last.used > 0.5" });
  assert.deepEqual([jump.usesLast, jump.observe(counted({ used: 1 }), false).observation, reads], [
    true,
    { verdict: { when: true, clear: false } },
    1,
  ]);
});

Deno.test("a summary is one line of bounded length; one that fails is the name of the alert and its key", () => {
  const said = compiled({ summary: "{{ key }}: {{ signal.text }}" });
  assert.equal(said.summarize(input({ text: " a\n\tb  c " }, "/")).summary, "/: a b c");
  const failed = said.summarize(input({}, "/"));
  assert.deepEqual([failed.summary, failed.fault?.expression], ["full /", "summary"]);
  assert.equal(compiled().summarize(input({})).summary, "full");
  assert.equal(compiled({ absentMs: 90_000 }).summarizeAbsence("/"), "full /: no signal of disk for 1m30s");
  const emoji = said.summarize(input({ text: "🙂".repeat(alertSummaryMaxChars) }, "ab")).summary;
  assert.ok(emoji.length <= alertSummaryMaxChars && emoji.isWellFormed() && emoji.endsWith("..."), emoji);
});

Deno.test("whatever a signal holds, nothing throws", () => {
  const all = compiled({
    clear: "signal.used < last.used",
    key: "signal.path",
    summary: "{{ signal.used }} {{ last }} {{ signal }}",
  });
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), fc.boolean(), (signal, last, holds) => {
    all.keyOf(signal);
    all.observe(input(signal, "", last), holds);
    assert.ok(all.summarize(input(signal, "", last)).summary.isWellFormed());
  }));
});
