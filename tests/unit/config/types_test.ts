/** Lookups in the configuration. */
import assert from "node:assert/strict";
import { groupMembers, reflexesOf } from "../../../src/config/types.ts";
import { configOf } from "../../support/parsed_config.ts";

Deno.test("reflexes and members are found by sense and group, in the order of nerve.yaml", () => {
  const config = configOf(`
senses: { a: { group: g }, b: {}, c: { group: g } }
reflexes: [{ sense: a, interval: 1h }, { sense: b, interval: 1m }, { sense: a, cron: "0 0 * * *" }]
`);
  assert.deepEqual(reflexesOf(config, "a").map(({ intervalMs, cron }) => intervalMs ?? cron), [3_600_000, "0 0 * * *"]);
  assert.deepEqual([reflexesOf(config, "b").length, reflexesOf(config, "c").length], [1, 0]);
  assert.deepEqual(groupMembers(config, "g").map(({ name }) => name), ["a", "c"]);
});
