/** Properties of every text: parsing never throws, and any valid configuration is read back as it was written. */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { formatDuration } from "../../../src/base/duration.ts";
import { formatProblems, problemFormats } from "../../../src/config/diagnostic.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import type { NerveConfig, SenseConfig, WorkflowConfig } from "../../../src/config/types.ts";
import { anyAlert, writtenAlert } from "../../support/any_alert.ts";
import { anyReflex } from "../../support/any_reflex.ts";
import fc from "../../support/fast_check.ts";
import { someAgents, withPlainAgents, writtenAgent } from "../../support/some_agents.ts";

const example = await Deno.readTextFile(new URL("../../fixtures/example.yaml", import.meta.url));

/** Parses, and checks what holds for every result: problems have a place inside the text, and print in each format. */
function answer(text: string): void {
  const parsed = parseNerveConfig(text);
  const problems = parsed.ok ? parsed.value.warnings : parsed.error;
  const lines = text.split("\n").length;
  assert.ok(parsed.ok || problems.some((problem) => problem.severity === "error"));
  for (const { place } of problems) {
    if (place !== null) assert.ok(place.line >= 1 && place.line <= lines && place.column >= 1, JSON.stringify(place));
  }
  // The YAML library may report the same error twice.
  const reported = problems.filter(({ path }) => path !== "").map((problem) => JSON.stringify(problem));
  assert.equal(new Set(reported).size, reported.length, "nothing is reported twice");
  for (const format of problemFormats) formatProblems(problems, format);
}

Deno.test("any string is parsed without throwing", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), answer), { numRuns: 300 });
  const token = fc.constantFrom(
    "senses",
    "reflexes",
    ": ",
    ":\n  ",
    "{",
    "}",
    "[",
    "]",
    "- ",
    "\n",
    "  ",
    "&a ",
    "*a",
    "|\n",
    "? ",
    "!!map ",
    "!x ",
    "<<",
    "%YAML 1.1\n",
    "---\n",
    "...",
    "'",
    '"',
    "#",
    "\t",
    "a",
    "10s",
    ",",
    "@",
    "~",
    "\ufeff",
    "\0",
  );
  const soup = fc.array(token, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(fc.property(soup, answer), { numRuns: 500 });
});

Deno.test("any JSON in place of nerve.yaml is parsed without throwing", () => {
  const words =
    "senses groups reflexes workflows max_rounds retention a on sense permissions config peers interval cron";
  const keys = fc.constantFrom(...words.split(" "), "agents", "__proto__", "constructor", "toString");
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom("10s", "all", "a", "1GiB")),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(keys, tie("tree"), { maxKeys: 6 }),
    ),
  }));
  fc.assert(fc.property(tree, (value) => answer(JSON.stringify(value))), { numRuns: 500 });
});

Deno.test("a valid file with pieces cut out, doubled or replaced is parsed without throwing", () => {
  const edit = fc.tuple(
    fc.nat(example.length),
    fc.nat(60),
    fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom("", "\n", ": ", "{", "*x", "- ")),
  );
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
      let text = example;
      for (const [at, length, inserted] of edits) text = text.slice(0, at) + inserted + text.slice(at + length);
      answer(text);
    }),
    { numRuns: 500 },
  );
});

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const ms = fc.integer({ min: 10, max: 10 ** 9 });
const json = fc.dictionary(fc.stringMatching(/^[a-zA-Z_ .-]{1,8}$/), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })
  .filter((value) => !JSON.stringify(value).includes("__proto__"))
  // YAML has no negative zero of its own: it is read as 0, as JSON writes it.
  .map((value) => JSON.parse(JSON.stringify(value)));
const permissions = fc.record({
  read: fc.uniqueArray(fc.constantFrom("/proc", "files", "~/x", "../y"), { minLength: 1 }),
  net: fc.oneof(
    fc.constant(true as const),
    fc.uniqueArray(fc.constantFrom("a.example", "b.example:80", "[::1]:1"), { minLength: 1 }),
  ),
  env: fc.uniqueArray(fc.constantFrom("TOKEN", "A_*", "X1"), { minLength: 1 }),
}, { requiredKeys: [] });

const sense = (names: readonly string[], self: string): fc.Arbitrary<SenseConfig> => {
  const others = names.filter((other) => other !== self);
  return fc.record({
    name: fc.constant(self),
    use: fc.oneof(fc.constant(self), name),
    group: fc.oneof(fc.constant(self), name),
    throttleMs: fc.option(ms),
    timeoutMs: ms,
    gracePeriodMs: ms,
    startupDelayMs: fc.nat(10 ** 9),
    permissions,
    keepAlive: fc.boolean(),
    peers: fc.oneof(fc.constant("all" as const), fc.subarray(others)),
    config: json,
  });
};

const workflow = (names: readonly string[], self: string): fc.Arbitrary<WorkflowConfig> => {
  return fc.record({
    name: fc.constant(self),
    use: fc.oneof(fc.constant(self), name),
    engine: fc.constant(null),
    concurrency: fc.integer({ min: 1, max: 1_000 }),
    overflow: fc.constantFrom("drop", "queue"),
    maxQueue: fc.integer({ min: 1, max: 10_000 }),
    maxRounds: fc.integer({ min: 1, max: 10_000 }),
    drainTimeoutMs: ms,
    maxThreadBytes: fc.integer({ min: 2 * 1024 ** 2, max: 2 ** 40 }),
    waiting: fc.constantFrom("keep", "release"),
    permissions,
    memoryBytes: fc.integer({ min: 64, max: 4_096 }).map((mebibytes) => mebibytes * 1024 ** 2),
    peers: fc.oneof(fc.constant("all" as const), fc.subarray([...names])),
    agents: fc.subarray([...someAgents]).map((granted) => new Map(granted)),
    schedule: fc.array(
      fc.record({
        cron: fc.constantFrom("0 9 * * 1-5", "*/5 * * * *", "@daily"),
        timezone: fc.option(fc.constantFrom("UTC", "Europe/Berlin")),
        catchUp: fc.constantFrom("once", "none"),
        prompt: fc.string({ maxLength: 20 }),
      }),
      { maxLength: 3 },
    ),
    config: json,
  }).map((value) => ({ ...value, maxQueue: value.overflow === "drop" ? 0 : value.maxQueue }));
};

const adasKey = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

const config: fc.Arbitrary<NerveConfig> = fc.uniqueArray(name, { minLength: 1, maxLength: 5 }).chain((names) => {
  return fc.record({
    maxRounds: fc.integer({ min: 1, max: 1_000 }),
    retentionMs: fc.integer({ min: 3_600_000, max: 10 ** 11 }),
    envFile: fc.constantFrom(null, ".env", "~/secrets/nerve.env", "/run/secrets/env"),
    isolation: fc.constantFrom("prefer", "require"),
    senses: fc.tuple(...names.map((self) => sense(names, self))),
    reflexes: fc.array(anyReflex(names), { maxLength: 6 }),
    workflows: fc.uniqueArray(name, { maxLength: 3 }).chain((flows) =>
      fc.tuple(...flows.map((flow) => workflow(names, flow)))
    ),
    memory: fc.integer({ min: 64, max: 1_024 }).map((mib) => mib * 1024 ** 2),
  }).chain((found) => {
    const flows = found.workflows.map((each) => each.name);
    return fc.record({
      alerts: fc.array(anyAlert(names, flows), { maxLength: 3 }),
      notify: fc.constantFrom(null, ...flows),
      remindMs: fc.constantFrom(null, 3_600_000),
    }).map(({ alerts, notify, remindMs }) => {
      return { ...found, alerts, approvals: { notify, remindMs: notify === null ? null : remindMs } };
    });
  }).map(({ senses, workflows, alerts, memory, ...rest }) => ({
    ...rest,
    senses: new Map(senses.map((value) => [value.name, value])),
    groups: new Map(senses.map(({ group }) => [group, { name: group, memoryBytes: memory, diskBytes: null }])),
    workflows: new Map(workflows.map((value) => [value.name, value])),
    alerts: new Map(alerts.map((value) => [value.name, value])),
    ...{ hooks: new Map(), listen: null, engines: new Map(), faults: new Map() },
    agents: someAgents,
    approvers: { people: new Map([["ada", [adasKey]]]), groups: new Map([["ops", ["ada"]]]) },
  }));
});

/** The configuration as a user would write it, with every key given. */
function written(value: NerveConfig): string {
  const span = (ms: number | null) => ms === null ? null : formatDuration(ms);
  const size = (bytes: number) => `${bytes / 1024 ** 2}MiB`;
  const entries = <T extends { name: string }>(map: ReadonlyMap<string, T>, write: (item: T) => unknown) => {
    return Object.fromEntries([...map.values()].map((item) => [item.name, write(item)]));
  };
  return stringify({
    max_rounds: value.maxRounds,
    retention: formatDuration(value.retentionMs),
    env_file: value.envFile,
    isolation: value.isolation,
    approvers: { ada: { key: `ssh-ed25519 ${adasKey}` }, ops: ["ada"] },
    approvals: { notify: value.approvals.notify, remind: span(value.approvals.remindMs) },
    senses: entries(value.senses, (item) => ({
      use: item.use,
      group: item.group,
      throttle: span(item.throttleMs),
      timeout: formatDuration(item.timeoutMs),
      grace_period: formatDuration(item.gracePeriodMs),
      startup_delay: formatDuration(item.startupDelayMs),
      permissions: item.permissions,
      keep_alive: item.keepAlive,
      peers: item.peers,
      config: item.config,
    })),
    groups: entries(value.groups, (item) => ({ memory: size(item.memoryBytes) })),
    reflexes: value.reflexes.map((item) => ({
      sense: item.sense,
      interval: span(item.intervalMs),
      cron: item.cron,
      timezone: item.timezone,
      catch_up: item.cron === null ? null : item.catchUp,
      jitter: item.cron === null && item.intervalMs === null ? null : formatDuration(item.jitterMs),
      on: item.on,
      watch: item.watch,
      debounce: item.watch.length === 0 ? null : formatDuration(item.debounceMs),
    })),
    workflows: entries(value.workflows, (item) => ({
      use: item.use,
      concurrency: item.concurrency,
      overflow: item.overflow,
      max_queue: item.overflow === "drop" ? null : item.maxQueue,
      max_rounds: item.maxRounds,
      drain_timeout: formatDuration(item.drainTimeoutMs),
      max_thread: `${item.maxThreadBytes}B`,
      waiting: item.waiting,
      permissions: item.permissions,
      memory: size(item.memoryBytes),
      peers: item.peers,
      agents: [...item.agents.keys()],
      schedule: item.schedule.map(({ catchUp, ...line }) => ({ ...line, catch_up: catchUp })),
      config: item.config,
    })),
    alerts: entries(value.alerts, writtenAlert),
    agents: entries(value.agents, writtenAgent),
  });
}

Deno.test("any valid configuration is read as it was written", () => {
  fc.assert(
    fc.property(config, (value) => {
      const parsed = parseNerveConfig(written(value));
      assert.ok(parsed.ok, parsed.ok ? "" : formatProblems(parsed.error, "text"));
      // The order of keys in objects, and in a Map with names like "10", is not part of the meaning.
      const plain = (from: NerveConfig) => ({
        ...from,
        senses: Object.fromEntries(from.senses),
        groups: Object.fromEntries(from.groups),
        workflows: withPlainAgents(from.workflows),
        agents: Object.fromEntries(from.agents),
        alerts: Object.fromEntries(from.alerts),
        approvers: [...from.approvers.people, ...from.approvers.groups],
      });
      const asJson = (from: NerveConfig) => JSON.parse(JSON.stringify(plain(from)));
      assert.deepEqual(asJson(parsed.value.config), asJson(value));
    }),
    { numRuns: 200 },
  );
});
