/** Any alert of a valid nerve.yaml with these senses and workflows. */
import { formatDuration } from "../../src/base/duration.ts";
import { type AlertDefinition, alertSeverities } from "../../src/protocol/alert.ts";
import fc from "./fast_check.ts";

const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const ms = fc.integer({ min: 10, max: 10 ** 9 });

/** The names of the alerts are too long to be names of senses. */
export function anyAlert(senses: readonly string[], workflows: readonly string[]): fc.Arbitrary<AlertDefinition> {
  return fc.record({
    name: name.map((text) => `${text}-alert-of-mine`),
    sense: fc.constantFrom(...senses),
    when: fc.constantFrom("signal.used > 0.9", "sense == 'x' && key != ''"),
    clear: fc.constantFrom(null, "signal.used < 0.5"),
    forMs: fc.nat(10 ** 9),
    keepFiringMs: fc.nat(10 ** 9),
    absentMs: fc.option(fc.integer({ min: 1_000, max: 10 ** 9 })),
    key: fc.constantFrom(null, "signal.path"),
    severity: fc.constantFrom(...alertSeverities),
    summary: fc.constantFrom(null, "{{ key }} is full", "plain"),
    workflow: fc.constantFrom(null, ...workflows),
    repeatMs: fc.option(fc.integer({ min: 1_000, max: 10 ** 9 })),
    limit: fc.record({ count: fc.integer({ min: 1, max: 100 }), perMs: ms }),
  }).map((value) =>
    value.workflow === null ? { ...value, repeatMs: null, limit: { count: 60, perMs: 3_600_000 } } : value
  );
}

/** The alert as a user would write it, with every key given. */
export function writtenAlert(item: AlertDefinition): Record<string, unknown> {
  return {
    sense: item.sense,
    when: item.when,
    clear: item.clear,
    for: formatDuration(item.forMs),
    keep_firing_for: formatDuration(item.keepFiringMs),
    absent: item.absentMs === null ? null : formatDuration(item.absentMs),
    key: item.key,
    severity: item.severity,
    summary: item.summary,
    workflow: item.workflow,
    repeat: item.repeatMs === null ? null : formatDuration(item.repeatMs),
    limit: item.workflow === null ? null : `${item.limit.count} per ${formatDuration(item.limit.perMs)}`,
  };
}
