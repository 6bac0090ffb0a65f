/**
 * The changes that a new nerve.yaml makes. Danger: a process that is replaced although nothing about it changed, or
 * that keeps old grants.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import type { NerveConfig } from "../../../src/config/types.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { diffConfigs, isSameDefinition, removesEntries } from "../../../src/deploy/config_diff.ts";
import { planUnits } from "../../../src/deploy/unit_plans.ts";

function configOf(yaml: string): NerveConfig {
  const parsed = parseNerveConfig(yaml);
  assert.ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.error));
  return parsed.value.config;
}

const changes = (before: string, after: string) =>
  diffConfigs(configOf(before), configOf(after)).map(({ of, change }) => `${of} ${change}`);

/** Whether a process that was started for the first of two configurations may be kept under the second. */
function goesOn(before: string, after: string): boolean {
  const paths = workspacePaths(join("/", "w"));
  const [a] = planUnits(configOf(before), paths), [b] = planUnits(configOf(after), paths);
  return isSameDefinition(a ?? assert.fail(), b ?? assert.fail());
}

Deno.test("senses and workflows are added, changed and removed by name", () => {
  const before = "senses: { a: {}, b: { throttle: 1s }, c: {} }\nworkflows: { w: {} }\n";
  const after = "senses: { a: {}, b: { throttle: 2s }, d: {} }\nworkflows: { w: { concurrency: 2 }, v: {} }\n";
  assert.deepEqual(changes(before, after), [
    "sense:b changed",
    "sense:d added",
    "sense:c removed",
    "workflow:w changed",
    "workflow:v added",
  ]);
  assert.deepEqual(changes(before, before), []);
});

Deno.test("a reflex is part of its sense, and retention of the kernel", () => {
  const before = "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1s }]\n";
  assert.deepEqual(changes(before, "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 2s }]\n"), [
    "sense:a changed",
  ]);
  assert.deepEqual(changes(before, `${before}retention: 3d\n`), ["kernel changed"]);
});

Deno.test("removesEntries() holds when a sense, a workflow or a reflex would end, and not when it only changes", () => {
  const before = "senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1s }]\nworkflows: { w: {} }\n";
  const ends = (after: string) => removesEntries(configOf(before), configOf(after));
  assert.ok(ends("senses: { a: {} }\nreflexes: [{ sense: a, interval: 1s }]\nworkflows: { w: {} }\n"));
  assert.ok(ends("senses: { a: {}, b: {} }\nworkflows: { w: {} }\n"));
  assert.ok(ends("senses: { a: {}, b: {} }\nreflexes: [{ sense: a, interval: 1s }]\n"));
  assert.ok(!ends(before.replace("1s", "9s").replace("b: {}", "b: { throttle: 1s }, c: {}")));
});

Deno.test("a process is kept when only schedules, the order of entries or other senses changed", () => {
  const yaml = "senses: { a: { permissions: { read: [/x, /y] } } }\nreflexes: [{ sense: a, interval: 1s }]\n";
  assert.ok(goesOn(yaml, yaml.replace("1s", "5s")));
  assert.ok(goesOn(yaml, yaml.replace("[/x, /y]", "[/y, /x]")));
  assert.ok(goesOn(yaml, yaml.replace("senses: { a:", "senses: { z: {}, a:").replace("z: {}, ", "")));
  assert.ok(goesOn("senses: { a: {} }\n", "senses: { a: {}, b: {} }\n"));
});

Deno.test("a process is replaced when its grants, its memory or the configuration of a sense changed", () => {
  const yaml =
    "senses: { a: { group: g, config: { x: 1 }, permissions: { read: [/x] } } }\ngroups: { g: { memory: 128MiB } }\n";
  assert.ok(!goesOn(yaml, yaml.replace("[/x]", "[/x, /y]")));
  assert.ok(!goesOn(yaml, yaml.replace("128MiB", "256MiB")));
  assert.ok(!goesOn(yaml, yaml.replace("x: 1", "x: 2")));
  assert.ok(!goesOn(yaml, yaml.replace("} }\ngroups", "}, b: { group: g } }\ngroups")));
});
