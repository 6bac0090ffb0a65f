/** How many senses of one process load, and compute for the first time, at the same time. */
import assert from "node:assert/strict";
import { firstComputesMax, loadsMax } from "../../../src/base/limits.ts";
import { FirstComputes } from "../../../src/sensing/first_computes.ts";
import fc from "../../support/fast_check.ts";

function setUp() {
  const firsts = new FirstComputes(), begun: string[] = [];
  const compute = (sense: string, dueAt: number = 0, asked: boolean = false) =>
    firsts.compute(sense, { asked, dueAt }, () => {
      begun.push(sense);
      return true;
    });
  return { firsts, begun, compute };
}

const names = (count: number, prefix: string = "s") => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

Deno.test("a bounded number of senses load; the others follow as they are due, what a person asked for first", () => {
  const { firsts, begun, compute } = setUp();
  for (const sense of names(loadsMax)) compute(sense);
  compute("later", 30);
  compute("sooner", 20);
  compute("asked", 99, true);
  assert.deepEqual(begun, names(loadsMax));
  for (const sense of ["s3", "s1", "s4"]) firsts.onLoaded(sense, true);
  assert.deepEqual(begun.slice(loadsMax), ["asked", "sooner", "later"]);
});

Deno.test("a sense that has loaded never waits, however many others load", () => {
  const { firsts, begun, compute } = setUp();
  compute("ready");
  firsts.onLoaded("ready", true);
  firsts.onEnded("ready");
  for (const sense of names(loadsMax + 5)) compute(sense);
  compute("ready");
  assert.equal(begun.at(-1), "ready");
  assert.equal(firsts.loaded, 1);
});

Deno.test("first computes that take long are bounded too, and a second compute of their sense is not held back", () => {
  const { firsts, begun, compute } = setUp();
  for (const sense of names(firstComputesMax)) {
    compute(sense);
    firsts.onLoaded(sense, true);
  }
  assert.equal(begun.length, firstComputesMax);
  compute("one-more");
  compute("s0");
  assert.deepEqual(begun.slice(firstComputesMax), ["s0"]);
  firsts.onEnded("s7");
  assert.equal(begun.at(-1), "one-more");
});

Deno.test("a sense that is loaded ahead takes a turn once, and its compute joins the load under way", () => {
  const { firsts, begun, compute } = setUp();
  for (const sense of names(loadsMax)) {
    firsts.load(sense, { asked: false, dueAt: 0 }, () => void begun.push(`load ${sense}`));
  }
  firsts.load("late", { asked: false, dueAt: 5 }, () => void begun.push("load late"));
  compute("s2");
  compute("late", 6, true);
  assert.deepEqual(begun, [...names(loadsMax).map((sense) => `load ${sense}`), "s2"]);
  firsts.onLoaded("s0", true);
  firsts.onLoaded("s1", true);
  assert.deepEqual(begun.slice(loadsMax + 1), ["late", "load late"]);
});

Deno.test("a load that fails, and a compute that is no longer wanted, hold up nothing", () => {
  const { firsts, begun, compute } = setUp();
  for (const sense of names(loadsMax)) compute(sense);
  firsts.compute("gone", { asked: false, dueAt: 1 }, () => false);
  compute("last", 2);
  firsts.onLoaded("s0", false);
  firsts.onEnded("s0");
  assert.equal(begun.at(-1), "last");
  assert.equal(firsts.loaded, 0);
});

Deno.test("whatever loads, fails and ends: the bounds hold, and every compute begins once those before it are over", () => {
  const event = fc.record({
    kind: fc.constantFrom("compute", "loaded", "failed", "ended"),
    sense: fc.nat(40),
    due: fc.nat(9),
  });
  fc.assert(fc.property(fc.array(event, { maxLength: 200 }), (events) => {
    const { firsts, begun, compute } = setUp();
    const loading = new Set<string>(), loaded = new Set<string>();
    let asked = 0;
    for (const { kind, sense, due } of events) {
      const name = `s${sense}`, from = begun.length;
      if (kind === "compute") compute(name, due, ++asked % 7 === 0);
      else if (kind === "ended") {
        loading.delete(name);
        firsts.onEnded(name);
      } else {
        loading.delete(name);
        if (kind === "loaded") loaded.add(name);
        firsts.onLoaded(name, kind === "loaded");
      }
      for (const began of begun.slice(from)) if (!loaded.has(began)) loading.add(began);
      assert.ok(loading.size <= loadsMax);
    }
    for (let round = 0; round < asked; round++) {
      for (const sense of names(41)) firsts.onLoaded(sense, true), firsts.onEnded(sense);
    }
    assert.equal(begun.length, asked, "none is forgotten");
  }));
});
