/** The text format of Prometheus, version 0.0.4. Danger: because of one bad line the scraper accepts none. */
import assert from "node:assert/strict";
import { formatMetrics } from "../../../src/protocol/metrics.ts";
import type { WorkflowView } from "../../../src/protocol/api.ts";
import { aSense } from "../../support/api_views.ts";
import { FakeView } from "../../support/fake_view.ts";

const workflow: WorkflowView = {
  name: "cleanup",
  use: "cleanup",
  concurrency: 2,
  overflow: "drop",
  active: 1,
  queued: 0,
  waiting: 3,
  paused: 0,
  schedule: [],
  nextDue: null,
  problem: null,
};

/** The samples by name and labels. Throws for a line that the format does not allow. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>(), typed = new Map<string, string>();
  assert.ok(text.endsWith("\n"));
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what, name = "", rest = ""] = comment;
      if (what === "TYPE") {
        assert.ok(!typed.has(name), `${name} is one family`);
        assert.match(rest, /^(counter|gauge)$/);
        assert.equal(rest === "counter", name.endsWith("_total"), name);
        typed.set(name, rest);
      }
      continue;
    }
    const sample = /^(([a-z][a-z0-9_]*)(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})?) (-?[0-9.]+(e[+-]?\d+)?)$/.exec(line);
    assert.ok(sample !== null, line);
    const [, key = "", name = "", , , , value] = sample;
    assert.ok(typed.has(name), `${name} has a type before its samples`);
    assert.ok(!samples.has(key), `${key} stands once`);
    samples.set(key, Number(value));
  }
  return samples;
}

Deno.test("metrics hold what health, senses and workflows say, in seconds and bytes", () => {
  const health = new FakeView().health();
  const samples = parse(formatMetrics(health, [aSense()], [workflow]));
  assert.equal(samples.get("nerve_start_time_seconds"), health.startedAt / 1_000);
  assert.equal(samples.get('nerve_workflow_runs{workflow="cleanup",state="waiting"}'), 3);
  assert.equal(
    samples.get('nerve_sense_computes_total{sense="cpu-usage",outcome="signal"}'),
    aSense().counters.signals,
  );
  assert.equal(samples.get('nerve_problem{of="config"}'), health.configError === null ? 0 : 1);
  const names = [...samples.keys()];
  assert.ok(!names.some((name) => name.startsWith("nerve_workflow_next_due")), "what has no value is left out");
});

Deno.test("metrics count the deliveries of each hook by their answers", () => {
  const counters = {
    accepted: 7,
    repeated: 2,
    unproven: 1,
    invalid: 0,
    tooLarge: 3,
    limited: 0,
    backlogged: 0,
    failed: 0,
  };
  const hook = { name: "git", path: "/hooks/git", verify: "github", secrets: [], senses: ["ci"], problem: null };
  const samples = parse(
    formatMetrics(new FakeView().health(), [], [], [{ ...hook, waiting: 4, backlog: 10, last: null, counters }]),
  );
  assert.equal(samples.get('nerve_hook_deliveries_total{hook="git",answer="accepted"}'), 7);
  assert.equal(samples.get('nerve_hook_deliveries_total{hook="git",answer="too_large"}'), 3);
  assert.equal(samples.get('nerve_hook_waiting{hook="git"}'), 4);
});

Deno.test("a label may hold anything", () => {
  const health = { ...new FakeView().health(), version: 'a"b\\c\nd' };
  const samples = parse(formatMetrics(health, [], []));
  assert.equal(samples.get('nerve_info{version="a\\"b\\\\c\\nd"}'), 1);
});
