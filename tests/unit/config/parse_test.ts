/** nerve.yaml: what is accepted, what is rejected, and the reported place of an error. */
import assert from "node:assert/strict";
import { configFileMaxBytes, groupsMax, sensesMax, workflowsMax } from "../../../src/base/limits.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { configOf, hintOf, linesOf } from "../../support/parsed_config.ts";

const example = await Deno.readTextFile(new URL("../../fixtures/example.yaml", import.meta.url));

Deno.test("the example configuration is valid, without a warning", () => {
  assert.deepEqual(linesOf(example), []);
  const config = configOf(example);
  assert.deepEqual(config.senses.get("disk-usage"), {
    name: "disk-usage",
    use: "disk-usage",
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
    jitterMs: 0,
    watch: [],
    debounceMs: 500,
    on: [],
    hook: null,
  });
});

Deno.test("an empty text is valid with a warning that nothing will run, and is recognized as blank", () => {
  assert.deepEqual(linesOf(""), ["nerve.yaml:1:1 warning no sense and no workflow is configured, so nothing will run"]);
  assert.deepEqual(linesOf("workflows: { w: {} }"), []);
  const blank = (text: string) => {
    const parsed = parseNerveConfig(text);
    return parsed.ok && parsed.value.blank;
  };
  assert.deepEqual(["", "\n", "# mine\n", "---\n# mine\n", "~\n"].map(blank), [true, true, true, true, true]);
  assert.deepEqual(["{}\n", "senses:\n"].map(blank), [false, false]);
});

Deno.test("names that every object has, such as constructor, are ordinary names", () => {
  const config = configOf("senses: { constructor: {}, valueof: {} }\n");
  assert.deepEqual([...config.senses.keys()], ["constructor", "valueof"]);
  assert.deepEqual(linesOf("senses: { a: {} }\nreflexes: [{ sense: constructor, interval: 1s }]\n"), [
    "nerve.yaml:1:11 warning senses.a: no reflex schedules it",
    'nerve.yaml:2:14 error reflexes[0].sense: there is no sense "constructor"',
  ]);
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
    "nerve.yaml:4:18 error senses.cpu.peers[0]: a sense cannot be its own peer",
    'nerve.yaml:4:23 error senses.cpu.peers[1]: there is no sense "dsk"',
    "nerve.yaml:4:29 error senses.cpu.config: must be a mapping",
    'nerve.yaml:6:7 error reflexes[0].sense: there is no sense "cpuu"',
    "nerve.yaml:6:20 error reflexes[0].interval: must be at least 10ms",
    "nerve.yaml:7:5 error reflexes[1]: has no trigger",
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

Deno.test("a file that is too large is rejected unread", () => {
  assert.deepEqual(linesOf(`# ${"x".repeat(configFileMaxBytes)}\n`), [
    `nerve.yaml:1:1 error is larger than ${configFileMaxBytes} bytes`,
  ]);
  assert.equal(parseNerveConfig(`# ${"\u20ac".repeat(configFileMaxBytes / 2)}\n`).ok, false);
});

Deno.test("more senses, groups or workflows than the limits allow are rejected", () => {
  const many = (count: number, value: string) => {
    return Array.from({ length: count }, (_, index) => `  s${index}: ${value}\n`).join("");
  };
  assert.match(linesOf(`senses:\n${many(sensesMax + 1, "{ group: g }")}`)[0] ?? "", /2001 senses are too many/);
  assert.match(linesOf(`senses:\n${many(groupsMax + 1, "{}")}`)[0] ?? "", /257 groups are too many/);
  assert.match(linesOf(`workflows:\n${many(workflowsMax + 1, "{}")}`)[0] ?? "", /257 workflows are too many/);
  assert.equal(parseNerveConfig(`senses:\n${many(sensesMax, "{ group: g }")}`).ok, true);
});
