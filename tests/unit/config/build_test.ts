/** From the parsed shape of nerve.yaml to a configuration: defaults, and rules between the keys of one entry. */
import assert from "node:assert/strict";
import { groupMembers } from "../../../src/config/types.ts";
import { configOf, problemLinesOf } from "../../support/parsed_config.ts";

Deno.test("missing settings have their defaults, also for an entry that is only a name", () => {
  const config = configOf("senses:\n  a:\nworkflows:\n  w:\n");
  assert.deepEqual(config.senses.get("a"), {
    name: "a",
    use: "a",
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
    use: "w",
    concurrency: 1,
    overflow: "queue",
    maxQueue: 100,
    maxRounds: 100,
    drainTimeoutMs: 30_000,
    maxThreadBytes: 128 * 1024 ** 2,
    waiting: "keep",
    engine: null,
    permissions: {},
    memoryBytes: 256 * 1024 ** 2,
    peers: [],
    agents: new Map(),
    schedule: [],
    config: {},
  });
  assert.equal(config.retentionMs, 30 * 86_400_000);
});

Deno.test("a workflow without max_rounds has the file's max_rounds", () => {
  const config = configOf("max_rounds: 7\nworkflows: { w: {}, v: { max_rounds: 9 } }\n");
  assert.deepEqual([...config.workflows.values()].map((workflow) => workflow.maxRounds), [7, 9]);
});

Deno.test("a group exists when a sense names it, and lists its senses", () => {
  const config = configOf("senses: { a: { group: g }, b: { group: g }, c: {} }\ngroups: { c: { memory: 1GiB } }\n");
  assert.deepEqual([...config.groups.keys()].sort(), ["c", "g"]);
  assert.equal(config.groups.get("c")?.memoryBytes, 1024 ** 3);
  assert.deepEqual(groupMembers(config, "g").map((sense) => sense.name), ["a", "b"]);
});

Deno.test("a reflex needs a trigger, and an interval that is not zero", () => {
  const reflex = (text: string) => problemLinesOf(`senses: { a: {} }\nreflexes: [{ sense: a, ${text} }]\n`);
  assert.deepEqual(reflex("on: []"), ["error reflexes[0]: has no trigger"]);
  assert.deepEqual(reflex("interval: 0s"), ["error reflexes[0].interval: must be at least 10ms"]);
  assert.deepEqual(reflex("interval: 10ms"), []);
  assert.deepEqual(reflex("interval: 1s, catch_up: once"), [
    "error reflexes[0].catch_up: catch_up has no effect without cron",
  ]);
  assert.deepEqual(reflex("interval: 1s, jitter: 5s"), []);
  assert.deepEqual(reflex('cron: "@daily", jitter: 1h'), []);
  assert.deepEqual(reflex("on: [b], jitter: 5s").slice(-1), [
    "error reflexes[0].jitter: jitter has no effect without interval or cron",
  ]);
});
