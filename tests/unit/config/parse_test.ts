/** nerve.yaml: what is taken, what is refused, and where the fault is said to be. */
import assert from "node:assert/strict";
import { configDepthMax, configFileMaxBytes, groupsMax, sensesMax, workflowsMax } from "../../../src/base/limits.ts";
import { formatProblems } from "../../../src/config/diagnostic.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import type { NerveConfig } from "../../../src/config/types.ts";
import { groupMembers } from "../../../src/config/types.ts";

const example = await Deno.readTextFile(new URL("./example.yaml", import.meta.url));

function configOf(text: string): NerveConfig {
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok, parsed.ok ? "" : formatProblems(parsed.error, "text"));
  return parsed.value.config;
}

/** The problems as lines, without their hints. */
function linesOf(text: string): string[] {
  const parsed = parseNerveConfig(text);
  const problems = parsed.ok ? parsed.value.warnings : parsed.error;
  return problems.map((problem) => formatProblems([{ ...problem, hint: null }], "text"));
}

function hintOf(text: string, path: string): string | null | undefined {
  const parsed = parseNerveConfig(text);
  return (parsed.ok ? parsed.value.warnings : parsed.error).find((problem) => problem.path === path)?.hint;
}

Deno.test("the example of the design parses, with nothing but the warnings for run", () => {
  assert.deepEqual(linesOf(example), [
    "nerve.yaml:13:7 warning senses.disk-usage.permissions.run: run opens the sandbox: a program runs with all that you may do",
    "nerve.yaml:31:61 warning workflows.cleanup.permissions.run: run opens the sandbox: a program runs with all that you may do",
  ]);
  const config = configOf(example);
  assert.deepEqual(config.senses.get("disk-usage"), {
    name: "disk-usage",
    group: "system",
    throttleMs: 10_000,
    timeoutMs: 30_000,
    gracePeriodMs: 5_000,
    startupDelayMs: 0,
    permissions: {
      read: ["/proc"],
      run: ["df"],
      net: ["api.example.com:443"],
      env: ["EXAMPLE_TOKEN"],
      sys: ["cpus", "loadavg"],
    },
    keepAlive: false,
    peers: "all",
    config: { path: "/", threshold: 0.9 },
  });
  assert.deepEqual(config.reflexes[2], {
    sense: "daily-report",
    intervalMs: null,
    cron: "0 9 * * 1-5",
    timezone: "Europe/Berlin",
    catchUp: "once",
    on: [],
  });
});

Deno.test("what is left out has its default, also for an entry that is a name alone", () => {
  const config = configOf("senses:\n  a:\nworkflows:\n  w:\n");
  assert.deepEqual(config.senses.get("a"), {
    name: "a",
    group: "a",
    throttleMs: null,
    timeoutMs: 30_000,
    gracePeriodMs: 5_000,
    startupDelayMs: 0,
    permissions: {},
    keepAlive: false,
    peers: "all",
    config: {},
  });
  assert.deepEqual(config.workflows.get("w"), {
    name: "w",
    concurrency: 1,
    overflow: "queue",
    maxQueue: 100,
    maxRounds: 100,
    drainTimeoutMs: 30_000,
    permissions: {},
    memoryBytes: 256 * 1024 ** 2,
    config: {},
  });
  assert.equal(config.retentionMs, 30 * 86_400_000);
});

Deno.test("a workflow without max_rounds has that of the file", () => {
  const config = configOf("max_rounds: 7\nworkflows: { w: {}, v: { max_rounds: 9 } }\n");
  assert.deepEqual([...config.workflows.values()].map((workflow) => workflow.maxRounds), [7, 9]);
});

Deno.test("an empty text says nothing to do, and that it holds nothing at all", () => {
  assert.deepEqual(linesOf(""), ["nerve.yaml:1:1 warning no sense is configured: there is nothing to do"]);
  const blank = (text: string) => {
    const parsed = parseNerveConfig(text);
    return parsed.ok && parsed.value.blank;
  };
  assert.deepEqual(["", "\n", "# mine\n", "---\n# mine\n", "~\n"].map(blank), [true, true, true, true, true]);
  assert.deepEqual(["{}\n", "senses:\n"].map(blank), [false, false]);
});

Deno.test("a group exists when a sense names it, and knows its members", () => {
  const config = configOf("senses: { a: { group: g }, b: { group: g }, c: {} }\ngroups: { c: { memory: 1GiB } }\n");
  assert.deepEqual([...config.groups.keys()].sort(), ["c", "g"]);
  assert.equal(config.groups.get("c")?.memoryBytes, 1024 ** 3);
  assert.deepEqual(groupMembers(config, "g").map((sense) => sense.name), ["a", "b"]);
});

Deno.test("names that every object has are plain names", () => {
  const config = configOf("senses: { constructor: {}, valueof: {} }\n");
  assert.deepEqual([...config.senses.keys()], ["constructor", "valueof"]);
  assert.deepEqual(linesOf("senses: { a: {} }\nreflexes: [{ sense: constructor, interval: 1s }]\n"), [
    "nerve.yaml:1:11 warning senses.a: no reflex schedules it",
    'nerve.yaml:2:14 error reflexes[0].sense: there is no sense "constructor"',
  ]);
});

Deno.test("an unknown key is an error at the key, with the nearest known one", () => {
  const text = "senses:\n  cpu:\n    thottle: 10s\n";
  assert.deepEqual(linesOf(text), ['nerve.yaml:3:5 error senses.cpu.thottle: unknown key "thottle"']);
  assert.equal(hintOf(text, "senses.cpu.thottle"), 'did you mean "throttle"?');
  assert.equal(hintOf("senes: {}\n", "senes"), 'did you mean "senses"?');
  assert.equal(hintOf("groups: { g: { memry: 1GiB } }\n", "groups.g.memry"), 'did you mean "memory"?');
  assert.equal(
    hintOf("reflexes: [{ sense: a, intervall: 1s }]\n", "reflexes[0].intervall"),
    'did you mean "interval"?',
  );
  assert.equal(hintOf("workflows: { w: { maxQueue: 1 } }\n", "workflows.w.maxQueue"), 'did you mean "max_queue"?');
});

Deno.test("every problem is reported at once, in the order of the file, with its place", () => {
  const text = [
    "max_rounds: 0",
    "senses:",
    "  Disk_Usage: { timeout: 10, keep_alive: maybe }",
    "  cpu: { peers: [cpu, dsk], config: [1] }",
    "reflexes:",
    "  - { sense: cpuu, interval: 1ms }",
    "  - { sense: cpu }",
    "  - { interval: 3s }",
    "  - { sense: cpu, on: cpu }",
    "  - 7",
    "workflows:",
    "  w: { overflow: drop, max_queue: 3, memory: 1MiB, concurrency: 1.5 }",
  ].join("\n");
  assert.deepEqual(linesOf(text), [
    "nerve.yaml:1:1 error max_rounds: must be at least 1",
    'nerve.yaml:3:3 error senses.Disk_Usage: "Disk_Usage" is not a name: lower-case letters, digits and hyphens inside, at most 64',
    "nerve.yaml:3:17 error senses.Disk_Usage.timeout: must be a duration",
    "nerve.yaml:3:30 error senses.Disk_Usage.keep_alive: must be true or false",
    "nerve.yaml:4:18 error senses.cpu.peers[0]: a sense is not its own peer",
    'nerve.yaml:4:23 error senses.cpu.peers[1]: there is no sense "dsk"',
    "nerve.yaml:4:29 error senses.cpu.config: must be a mapping",
    'nerve.yaml:6:7 error reflexes[0].sense: there is no sense "cpuu"',
    "nerve.yaml:6:20 error reflexes[0].interval: must be at least 10ms",
    "nerve.yaml:7:5 error reflexes[1]: has nothing that triggers it",
    'nerve.yaml:8:5 error reflexes[2]: the key "sense" is missing',
    "nerve.yaml:9:19 error reflexes[3].on: must be a list",
    "nerve.yaml:10:5 error reflexes[4]: must be a mapping",
    "nerve.yaml:12:24 error workflows.w.max_queue: overflow: drop keeps no queue",
    "nerve.yaml:12:38 error workflows.w.memory: must be at least 64.0 MiB",
    "nerve.yaml:12:52 error workflows.w.concurrency: must be a whole number",
  ]);
  assert.equal(hintOf(text, "senses.Disk_Usage"), "write disk-usage");
  assert.equal(hintOf(text, "senses.Disk_Usage.timeout"), "write 10s or 10ms");
});

Deno.test("a wrong value misleads no other check: a broken interval is not also a missing one", () => {
  assert.deepEqual(linesOf("senses: { a: {} }\nreflexes: [{ sense: a, interval: soon }]\n"), [
    'nerve.yaml:2:24 error reflexes[0].interval: "soon" is not a duration: write 500ms, 5s, 10m, 1h, 1d or a sum such as 1h30m',
  ]);
  assert.deepEqual(linesOf("senses: [a]\nreflexes: [{ sense: a, interval: 1s }]\n"), [
    "nerve.yaml:1:1 error senses: must be a mapping",
  ]);
});

Deno.test("a reflex that names a workflow is told what to do instead, and nothing else", () => {
  for (const reflex of ["{ workflow: cleanup, interval: 3s, foo: 1 }", "{ kind: workflow, name: cleanup }"]) {
    const parsed = parseNerveConfig(`senses: { a: {} }\nreflexes:\n  - ${reflex}\n  - { sense: a, interval: 3s }\n`);
    assert.ok(!parsed.ok);
    assert.equal(parsed.error.length, 1);
    assert.match(parsed.error[0]?.message ?? "", /cannot start a workflow/);
    assert.match(parsed.error[0]?.hint ?? "", /return a workflow directive/);
  }
});

Deno.test("what is not YAML is an error with its place, and with a hint where one helps", () => {
  assert.match(linesOf("senses: {a: [}\n")[0] ?? "", /^nerve\.yaml:1:\d+ error is not YAML: /);
  assert.match(linesOf("senses:\n\ta: 1\n")[0] ?? "", /^nerve\.yaml:2:1 error .*[Tt]abs/);
  assert.match(linesOf("--- {}\n--- {}\n")[0] ?? "", /^nerve\.yaml:2:1 error holds more than one YAML document/);
  assert.deepEqual(linesOf("just text"), ["nerve.yaml:1:1 error must be a mapping"]);
});

Deno.test("a key that is given twice is an error at the second one", () => {
  assert.deepEqual(linesOf("senses:\n  a: {}\n  b: { timeout: 1s, timeout: 2s }\n  a: {}\n"), [
    "nerve.yaml:2:3 warning senses.a: no reflex schedules it",
    "nerve.yaml:3:3 warning senses.b: no reflex schedules it",
    "nerve.yaml:3:21 error senses.b.timeout: is given more than once",
    "nerve.yaml:4:3 error senses.a: is given more than once",
  ]);
});

Deno.test("values that are not JSON, and keys that are no names, do not get in", () => {
  for (const value of [".nan", ".inf", "{ [a]: 1 }", "{ __proto__: 1 }"]) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x: ${value} } } }`).ok, false, value);
  }
});

Deno.test("aliases repeat a value; one that stands for nothing, or for itself, is an error", () => {
  const config = configOf("senses:\n  a: { permissions: &p { read: [/proc] } }\n  b: { permissions: *p }\n");
  assert.deepEqual(config.senses.get("b")?.permissions, { read: ["/proc"] });
  assert.match(linesOf("senses: { a: *nothing }\n")[0] ?? "", /the alias "nothing" stands for no value above it/);
  assert.match(linesOf("senses: &s { a: *s }\n")[0] ?? "", /the alias "s" stands for no value above it/);
});

Deno.test("an alias bomb is refused at once instead of being unfolded", () => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    return level === 0 ? "x0: &x0 [a]" : `x${level}: &x${level} [${Array(10).fill(`*x${level - 1}`).join(",")}]`;
  });
  const text = `senses: { a: { config: { ${levels.join(", ")} } } }`;
  assert.ok(linesOf(text).some((line) => line.includes("is one value too many")));
});

Deno.test("nesting is bounded, however it is written", () => {
  const deep = configDepthMax + 10;
  for (
    const text of ["[".repeat(deep), `${"[".repeat(deep)}${"]".repeat(deep)}`, "- ".repeat(deep), "{".repeat(50_000)]
  ) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x:\n  ${text} } } }`).ok, false);
  }
  const nested = `senses: { a: { config: { x: ${"[".repeat(deep)}${"]".repeat(deep)} } } }`;
  assert.ok(linesOf(nested).some((line) => line.includes(`nests deeper than ${configDepthMax} levels`)));
});

Deno.test("a file that is too large is refused unread", () => {
  assert.deepEqual(linesOf(`# ${"x".repeat(configFileMaxBytes)}\n`), [
    `nerve.yaml:1:1 error is larger than ${configFileMaxBytes} bytes`,
  ]);
  assert.equal(parseNerveConfig(`# ${"\u20ac".repeat(configFileMaxBytes / 2)}\n`).ok, false);
});

Deno.test("more senses, groups or workflows than the limits allow are refused", () => {
  const many = (count: number, value: string) => {
    return Array.from({ length: count }, (_, index) => `  s${index}: ${value}\n`).join("");
  };
  assert.match(linesOf(`senses:\n${many(sensesMax + 1, "{ group: g }")}`)[0] ?? "", /2001 senses are too many/);
  assert.match(linesOf(`senses:\n${many(groupsMax + 1, "{}")}`)[0] ?? "", /257 groups are too many/);
  assert.match(linesOf(`workflows:\n${many(workflowsMax + 1, "{}")}`)[0] ?? "", /257 workflows are too many/);
  assert.equal(parseNerveConfig(`senses:\n${many(sensesMax, "{ group: g }")}`).ok, true);
});

Deno.test("thousands of problems are counted, not printed", () => {
  const wrong = Array.from({ length: 5_000 }, (_, index) => `  - { sense: nobody-${index}, interval: 1s }\n`).join("");
  const lines = linesOf(`senses: { a: {} }\nreflexes:\n${wrong}`);
  assert.equal(lines.length, 1_001);
  assert.match(lines.at(-1) ?? "", /^error 4001 more problems are not shown$/);
});

Deno.test("placeOf gives the place of a key, of a list item, and of what stands above a missing one", () => {
  const parsed = parseNerveConfig("senses:\n  a:\n    group: g\nreflexes:\n  - { sense: a, interval: 1s }\n");
  assert.ok(parsed.ok);
  const { placeOf } = parsed.value;
  assert.deepEqual(placeOf(["senses", "a", "group"]), { file: "nerve.yaml", line: 3, column: 5 });
  assert.deepEqual(placeOf(["senses", "a", "timeout"]), { file: "nerve.yaml", line: 2, column: 3 });
  assert.deepEqual(placeOf(["reflexes", 0]), { file: "nerve.yaml", line: 5, column: 5 });
  assert.deepEqual(placeOf(["nothing"]), { file: "nerve.yaml", line: 1, column: 1 });
});
