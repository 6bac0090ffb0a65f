/** The checks between entries of nerve.yaml. */
import assert from "node:assert/strict";
import { problemLinesOf, problemsOf } from "../../support/parsed_config.ts";

Deno.test("a reflex on an unknown sense or signal is an error that suggests the nearest sense", () => {
  const text = "senses: { disk-usage: {} }\nreflexes: [{ sense: disk-usge, on: [dsk-usage] }]\n";
  assert.deepEqual(problemLinesOf(text).slice(1), [
    'error reflexes[0].sense: there is no sense "disk-usge"',
    'error reflexes[0].on[0]: there is no sense "dsk-usage"',
  ]);
  for (const problem of problemsOf(text).slice(1)) assert.equal(problem.hint, 'did you mean "disk-usage"?');
});

Deno.test("a reflex that names a workflow as its sense is an error that says so", () => {
  const text =
    "senses: { a: {} }\nworkflows: { w: {} }\nreflexes: [{ sense: a, interval: 1s }, { sense: w, interval: 1s }]\n";
  assert.deepEqual(problemLinesOf(text), ['error reflexes[1].sense: "w" is a workflow, not a sense']);
});

Deno.test("a sense that triggers itself is an error, with or without a throttle", () => {
  for (const sense of ["{}", "{ throttle: 1h }"]) {
    const problems = problemLinesOf(`senses: { a: ${sense} }\nreflexes: [{ sense: a, on: [a], interval: 2h }]\n`);
    assert.deepEqual(problems, ['error reflexes[0].on[0]: sense "a" would trigger itself']);
  }
});

const circle =
  "reflexes: [{ sense: a, on: [c] }, { sense: b, on: [a] }, { sense: c, on: [b] }, { sense: d, on: [a] }]\n";

Deno.test("a cycle of reflexes without a throttle is an error that shows the cycle", () => {
  const problems = problemLinesOf(`senses: { a: {}, b: {}, c: {}, d: {} }\n${circle}`);
  assert.equal(problems.length, 1);
  const round = /^error reflexes\[\d\]\.on\[0\]: senses trigger each other endlessly: (.*)$/.exec(problems[0] ?? "")
    ?.[1];
  assert.ok(["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"].includes(round ?? ""), round);
});

Deno.test("one throttle anywhere on a cycle is enough", () => {
  for (const slow of ["a", "b", "c"]) {
    const senses = ["a", "b", "c", "d"].map((name) => `${name}: { ${name === slow ? "throttle: 1s" : ""} }`);
    assert.deepEqual(problemLinesOf(`senses: { ${senses.join(", ")} }\n${circle}`), []);
  }
  assert.equal(problemLinesOf(`senses: { a: {}, b: {}, c: {}, d: { throttle: 1s } }\n${circle}`).length, 1);
});

Deno.test("two cycles are two errors", () => {
  const reflexes = "[{ sense: a, on: [b] }, { sense: b, on: [a] }, { sense: c, on: [d] }, { sense: d, on: [c] }]";
  const problems = problemLinesOf(`senses: { a: {}, b: {}, c: {}, d: {} }\nreflexes: ${reflexes}\n`);
  assert.equal(problems.filter((line) => line.includes("trigger each other")).length, 2);
});

Deno.test("a sense without a reflex, and a group without a sense, are warnings", () => {
  const text = "senses: { a: { group: system } }\ngroups: { sytem: { memory: 1GiB } }\n";
  assert.deepEqual(problemLinesOf(text), [
    "warning senses.a: no reflex schedules it",
    "warning groups.sytem: no sense is in this group",
  ]);
  assert.equal(problemsOf(text)[1]?.hint, 'did you mean "system"?');
  const other = "senses: { a: {} }\nreflexes: [{ sense: a, interval: 1s }]\ngroups: { h: { memory: 1GiB } }\n";
  assert.deepEqual(problemsOf(other).map(({ hint }) => hint), [null], "another name is no misspelling");
});

Deno.test("a permission that a sense has only through its group is a warning that names the sense that declares it", () => {
  const problems = problemLinesOf([
    "senses:",
    "  a: { group: g, permissions: { net: [one.example], read: [/proc, /sys] } }",
    "  b: { group: g, permissions: { read: [/proc] } }",
    "  c: { group: g, permissions: { net: true } }",
    "  alone: { permissions: { sys: [cpus] } }",
    `reflexes: [${["a", "b", "c", "alone"].map((sense) => `{ sense: ${sense}, interval: 1s }`).join(", ")}]`,
  ].join("\n"));
  assert.deepEqual(problems, [
    'warning senses.a: gains permissions through the group "g": net: everything from c',
    'warning senses.b: gains permissions through the group "g": read /sys, net one.example from a, net: everything from c',
    'warning senses.c: gains permissions through the group "g": read /proc, /sys from a, read /proc from b',
    "warning senses.c.permissions.net: net: true opens the sandbox",
  ]);
});

Deno.test("ffi, unconfined and true are warnings, for a sense and for a workflow; a named program is none", () => {
  const problems = problemLinesOf(
    "senses: { a: { permissions: { run: [df], ffi: [/x.so], env: true, sys: [cpus] } } }\n" +
      "workflows: { w: { permissions: { run: true, import: true, unconfined: true } } }\nreflexes: [{ sense: a, interval: 1s }]\n",
  );
  assert.deepEqual(problems.map((line) => line.split(" ")[1]), [
    "senses.a.permissions.ffi:",
    "senses.a.permissions.env:",
    "workflows.w.permissions.run:",
    "workflows.w.permissions.import:",
    "workflows.w.permissions.unconfined:",
  ]);
  assert.ok(problems.every((line) => line.startsWith("warning ") && line.includes("opens the sandbox")));
});

Deno.test("an interval shorter than the throttle is a warning, and so is a timeout of hours", () => {
  assert.deepEqual(
    problemLinesOf("senses: { a: { throttle: 10s, timeout: 2h } }\nreflexes: [{ sense: a, interval: 5s }]\n"),
    [
      "warning senses.a.timeout: a compute that hangs blocks its group for 2h5s",
      "warning reflexes[0].interval: ticks come every 5s, but the throttle of a allows one in 10s",
    ],
  );
});

Deno.test("write: true is an error, because nothing could protect nerve's own files against it", () => {
  assert.deepEqual(
    problemLinesOf("senses: { a: { permissions: { write: true } } }\nreflexes: [{ sense: a, interval: 1s }]\n"),
    [
      "error senses.a.permissions.write: write: true covers nerve.yaml, the log and the control socket",
    ],
  );
});
