import assert from "node:assert/strict";
import { compileCel } from "../../../src/base/cel.ts";
import { systemClock } from "../../../src/base/clock.ts";

const variables = { signal: "dyn", key: "string", last: "dyn" } as const;

function evaluate(source: string, signal: unknown, key = "k"): unknown {
  const compiled = compileCel(source, variables, "any");
  assert.ok(compiled.ok, `${source}: ${compiled.ok ? "" : compiled.error.message}`);
  return compiled.value.evaluate({ signal, key, last: null });
}

function fault(source: string): { message: string; hint: string | null; start: number } {
  const compiled = compileCel(source, variables, "bool");
  assert.ok(!compiled.ok, source);
  return compiled.error;
}

Deno.test("a number of JSON, which is a double, meets the whole numbers of an expression", () => {
  const signal = JSON.parse('{"n": 3, "list": [1, 2, 3]}');
  assert.equal(evaluate("signal.n + 1", signal), 4);
  assert.equal(evaluate("1 + signal.n", signal), 4);
  assert.equal(evaluate("10 - signal.n", signal), 7);
  assert.equal(evaluate("signal.n * 2", signal), 6);
  assert.equal(evaluate("signal.n / 2", signal), 1.5);
  assert.equal(evaluate("signal.n % 2 == 1", signal), true);
  assert.equal(evaluate("signal.n % signal.n == 0", signal), true);
  assert.equal(evaluate("signal.n == 3 && 3 == signal.n && signal.n in [3]", signal), true);
  assert.deepEqual(evaluate("signal.list.map(x, x * 2)", signal), [2, 4, 6]);
  assert.equal(evaluate("1 == 1.0", signal), true);
});

Deno.test("round() rounds to decimal digits", () => {
  assert.equal(evaluate("round(signal.v, 2)", { v: 1.005 }), 1.01);
  assert.equal(evaluate("round(signal.v)", { v: 2.5 }), 3);
  assert.equal(evaluate("round(signal.v, -2)", { v: 1_234 }), 1_200);
  assert.equal(evaluate("round(1234, -2)", {}), 1_200);
  assert.equal(evaluate("round(signal.v * 100, 1)", { v: 0.93456 }), 93.5);
  assert.equal(evaluate("round(signal.v, 2)", { v: 1e-9 }), 0);
});

Deno.test("search() takes any pattern in bounded time, and matches() is refused", () => {
  const text = `${"a".repeat(20_000)}!`;
  assert.equal(evaluate("signal.s.search('(a+)+$')", { s: text }), false);
  assert.equal(evaluate("signal.s.search('^a+!$')", { s: text }), true);
  assert.match(fault("signal.s.matches('a')").message, /matches\(\) is not offered/);
  assert.throws(() => evaluate("signal.s.search('(')", { s: "a" }), /./);
});

Deno.test("faults say what is wrong and where", () => {
  assert.deepEqual(fault("1 < 2 && sginal.used > 1"), {
    message: 'there is no variable "sginal"',
    hint: 'did you mean "signal"?',
    start: 9,
  });
  assert.equal(fault("signal.used >").start, 13);
  assert.match(fault("key > 1").message, /no such overload: string > int/);
  assert.match(fault("1 + 2").message, /must be true or false, but is of type int/);
  assert.match(fault("  ").message, /is empty/);
});

Deno.test("what could take long is refused", () => {
  assert.match(fault("x".repeat(2_001)).message, /longer than 2000 characters/);
  assert.match(fault("signal.l.all(x, signal.l.all(y, x == y))").message, /inside another such call/);
  assert.match(fault("cel.bind(a, signal.l, a + a) == []").message, /bind\(\) is not offered/);
  assert.match(fault("!".repeat(1_990) + "true").message, /exceeded|nodes|depth/i);
  assert.match(fault("(".repeat(900) + "true" + ")".repeat(900)).message, /./);
  assert.ok(compileCel("signal.l.all(x, x > 0) && signal.l.exists(x, x > 2)", variables, "bool").ok);
  assert.deepEqual(evaluate("signal.l.filter(x, x > 1).map(x, x * 2)", { l: [1, 2, 3] }), [4, 6]);
});

Deno.test("no payload makes an evaluation long: neither by many elements, nor by a pattern that it brings", () => {
  // The bug would be: a list and a map of one payload, 128 KiB each, block the kernel for minutes, again at each start.
  const signal = { list: Array.from({ length: 40_000 }, () => 1), map: { a: 1 }, text: "a".repeat(10_000) };
  const { monotonic } = systemClock;
  const evaluateSlowly = (source: string) => {
    let ms = monotonic();
    systemClock.monotonic = () => ms += 10;
    try {
      assert.throws(() => evaluate(source, signal), /^Error: takes longer than 1000 ms$/, source);
    } finally {
      systemClock.monotonic = monotonic;
    }
  };
  for (
    const call of ["exists(x, signal.map == last)", "filter(x, has(signal.map))", "map(x, 1 > 0, x in signal.list)"]
  ) {
    evaluateSlowly(`signal.list.${call}`);
  }
  evaluateSlowly("[1].map(x, signal.list)[0].filter(y, y == y)");
  assert.equal(evaluate("signal.list.all(x, x == 1)", signal), true, "the time begins anew with each evaluation");
  assert.throws(() => evaluate("signal.text.search(signal.text)", signal), /a pattern of more than 2000 characters/);
});

Deno.test("what fails at run time throws one line", () => {
  for (const [source, signal] of [["signal.used > 1", {}], ["signal.used > 1", null], ["signal.used", 3]] as const) {
    assert.throws(
      () => evaluate(source, signal),
      (thrown) => thrown instanceof Error && !thrown.message.includes("\n"),
    );
  }
  assert.throws(() => evaluate("signal.a.constructor", { a: {} }), /no such key/);
});

Deno.test("an expression tells which fields and variables it names", () => {
  const compiled = compileCel("has(signal.tag) && signal.used > last.used", variables, "bool");
  assert.ok(compiled.ok);
  assert.deepEqual(compiled.value.fields, [
    { of: "signal", field: "tag", start: 4, tested: true },
    { of: "signal", field: "used", start: 19, tested: false },
    { of: "last", field: "used", start: 33, tested: false },
  ]);
  assert.equal(compiled.value.uses("last"), true);
  assert.equal(compiled.value.uses("key"), false);
});
