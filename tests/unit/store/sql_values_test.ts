/**
 * What user code binds to a statement. Danger: code of the user runs while SQLite binds, or a value ends the process.
 */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { toBoundValues } from "../../../src/store/sqlite/sql_values.ts";
import fc from "../../support/fast_check.ts";

const cannot = (what: string) => ({
  name: "TypeError",
  message: new RegExp(`^SQLite cannot store a ${what}: store null,`),
});

Deno.test("values that SQLite stores are bound as they are, in their order", () => {
  const values = [
    null,
    0,
    -0,
    NaN,
    Infinity,
    2n ** 63n,
    "",
    "\0",
    "é",
    new Uint8Array([1]),
    new DataView(new ArrayBuffer(2)),
  ];
  const bound = toBoundValues([...values]);
  assert.equal(bound.length, values.length);
  bound.forEach((value, at) => assert.ok(Object.is(value, values[at]), `value ${at}`));
  assert.deepEqual(toBoundValues([]), []);
});

Deno.test("anything else is refused by what it is, wherever it stands", () => {
  class Point {}
  const wrong: [unknown, string][] = [
    [undefined, "undefined"],
    [true, "boolean"],
    [Symbol("s"), "symbol"],
    [() => 1, "function"],
    [[1], "Array"],
    [new Date(0), "Date"],
    [new Map(), "Map"],
    [new ArrayBuffer(1), "ArrayBuffer"],
    [new Point(), "Point"],
    [Object.create({ constructor: { name: 3 } }), "plain object"],
  ];
  for (const [value, what] of wrong) {
    for (const values of [[value], [1, value], [{ a: 1 }, value], [{ a: value }]]) {
      assert.throws(() => toBoundValues([...values]), cannot(what), what);
    }
  }
  for (const [named, what] of [[{ a: 1 }, "Object"], [Object.create(null), "plain object"]]) {
    assert.throws(() => toBoundValues([1, named]), cannot(what), "it names only in front");
  }
});

Deno.test("named parameters are copied into an object that has nothing else", () => {
  const hidden = Object.defineProperty({ a: 1 }, "b", { value: 2, enumerable: false });
  for (const given of [{ a: 1, $b: "x" }, Object.assign(Object.create(null), { a: 1, $b: "x" }), hidden]) {
    const [copy] = toBoundValues([given]) as [Record<string, unknown>];
    assert.notEqual(copy, given);
    assert.equal(Object.getPrototypeOf(copy), null);
    assert.deepEqual({ ...copy }, { ...given });
  }
});

Deno.test("bytes whose prototype user code has changed are bytes, not names", () => {
  const bytes = Object.setPrototypeOf(new Uint8Array([1]), Object.prototype);
  assert.equal(toBoundValues([bytes])[0], bytes);
});

Deno.test("a getter runs before SQLite binds, once, and what it gives is checked", () => {
  let runs = 0;
  const given = {
    get a() {
      runs++;
      return runs;
    },
  };
  const [copy] = toBoundValues([given]) as [Record<string, unknown>];
  assert.deepEqual([copy.a, copy.a, runs], [1, 1, 1]);
  const wrong = {
    get a() {
      return {};
    },
  };
  assert.throws(() => toBoundValues([wrong]), cannot("Object"));
});

Deno.test("a name with a null character is refused, and names that objects have are names like any other", () => {
  assert.throws(() => toBoundValues([{ "a\0b": 1 }]), { message: "the name of a parameter has a null character" });
  const given = JSON.parse('{"__proto__": 1, "constructor": 2, "toString": 3}');
  const [copy] = toBoundValues([given]) as [Record<string, unknown>];
  assert.deepEqual(Object.entries(copy), [["__proto__", 1], ["constructor", 2], ["toString", 3]]);
});

Deno.test("a setter that user code puts on the prototype of all objects takes no parameter", () => {
  let taken = 0;
  const prototype = Object.prototype as Record<string, unknown>;
  Object.defineProperty(prototype, "stolen", { configurable: true, set: () => taken++ });
  try {
    const [copy] = toBoundValues([{ ["stolen"]: 1 }]) as [Record<string, unknown>];
    assert.deepEqual([copy.stolen, taken], [1, 0]);
  } finally {
    delete prototype.stolen;
  }
});

Deno.test("what is accepted SQLite binds, positional or by name, and gives back", () => {
  using db = openDatabase(":memory:");
  const byPlace = db.prepare("select ? as a, ? as b"), byName = db.prepare("select :a as a, :b as b");
  const value = fc.oneof(fc.string({ unit: fc.constantFrom("a", "é", "\u{1f600}") }), fc.integer(), fc.constant(null));
  fc.assert(fc.property(value, value, (a, b) => {
    type Bound = Parameters<typeof byPlace.get>;
    assert.deepEqual({ ...byPlace.get(...toBoundValues([a, b]) as Bound) }, { a, b });
    assert.deepEqual({ ...byName.get(...toBoundValues([{ a, b }]) as Bound) }, { a, b });
  }));
});
