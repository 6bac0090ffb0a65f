/**
 * Floods: a process that sends without end is read at a bounded pace, the excess is dropped and counted, and other
 * units continue.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { longForm } from "../../support/attack_daemon.ts";
import { longAttackTest } from "../../support/attack_tests.ts";
import { within } from "../../support/workspace_fixture.ts";

const count = longForm ? 200_000 : 20_000;
const paced = /^(returned "said"|timeout)$/;
const yaml = { timeout: "2s", grace_period: "200ms" };

longAttackTest("a group that logs, prints or claims without end is slowed down, and what is dropped is counted", {
  "rows": {
    body: `for (let n = 0; n < ${count}; n++) log('info', 'row ' + n, { n }); return 'said'`,
    outcome: paced,
    deadly: true,
    yaml,
  },
  "large-rows": {
    body: "for (let n = 0; n < 2_000; n++) log('info', 'x'.repeat(4_000), { x: 'y'.repeat(12_000) }); return 'said'",
    outcome: paced,
    deadly: true,
    yaml,
  },
  "lines": {
    body: `for (let n = 0; n < ${count}; n++) console.log('line ' + n); return 'said'`,
    outcome: paced,
    deadly: true,
    yaml,
    only: "sense",
  },
  "one-line": {
    body:
      "const part = new TextEncoder().encode('x'.repeat(1e6)); for (let n = 0; n < 20; n++) Deno.stdout.writeSync(part); return 'said'",
    outcome: paced,
    deadly: true,
    yaml,
    only: "sense",
  },
  "signals": {
    body: "return { n: Math.random(), more: 'x'.repeat(200_000) }",
    outcome: /^returned \{"n":0\.\d+,"more":"x{200000}"\}$/,
    deadly: true,
    only: "sense",
    raw: true,
  },
}, {
  async check(daemon, outcomes) {
    const { counters } = await daemon.health();
    assert.ok((counters.dropped ?? 0) > 1_000, JSON.stringify([...outcomes, counters]));
    const rows = await daemon.logs({ source: "sense:rows", type: "sense.log" });
    assert.ok(rows.length > 0, "what was within bounds was kept");
    // It is told when it may be told again; which of them is over its bound, and by which, is up to the machine.
    const told = async () => {
      let printed = "";
      while (!/(rows or lines a second; the excess is|rows that it logs are) dropped/.test(printed)) {
        await delay(systemClock, 50);
        printed = JSON.stringify(await daemon.logs({ type: "group.said", limit: 1_000 }));
      }
    };
    await within(told(), "the row that says what was dropped");
  },
});
