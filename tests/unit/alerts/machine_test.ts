import assert from "node:assert/strict";
import {
  type AlertChange,
  type AlertRule,
  createState,
  type MachineState,
  type Observation,
  step,
} from "../../../src/alerts/machine.ts";
import fc from "../../support/fast_check.ts";

const plain: AlertRule = { forMs: 0, keepFiringMs: 0, absentMs: null };
const says = (when: boolean, clear = !when): Observation => ({ verdict: { when, clear } });
const failed: Observation = { verdict: null };

interface Event {
  readonly at: number;
  readonly observed: Observation;
}

/** Runs the machine as the daemon does: at each signal, and when it asks to be woken. */
function runEvents(rule: AlertRule, events: readonly Event[], end: number, settleAt?: number): [number, AlertChange][] {
  let state: MachineState = createState(0), wakeAt: number | null = rule.absentMs;
  const changes: [number, AlertChange][] = [];
  const take = (at: number, observed: Observation | null) => {
    const result = step(rule, state, at, observed, settleAt);
    ({ state, wakeAt } = result);
    if (result.change !== null) changes.push([at, result.change]);
  };
  for (const { at, observed } of [...events, { at: end, observed: null }]) {
    while (wakeAt !== null && wakeAt < at) take(wakeAt, null);
    take(at, observed);
  }
  return changes;
}

Deno.test("an alert fires at once, and resolves at once", () => {
  const events = [{ at: 1, observed: says(false) }, { at: 2, observed: says(true) }, { at: 5, observed: says(false) }];
  assert.deepEqual(runEvents(plain, events, 10), [[2, "firing"], [5, "resolved"]]);
});

Deno.test("for: it fires only when the condition held so long without a break", () => {
  const rule = { ...plain, forMs: 10 };
  const events = [
    { at: 1, observed: says(true) },
    { at: 5, observed: says(false) },
    { at: 7, observed: says(true) },
    { at: 12, observed: says(true) },
  ];
  assert.deepEqual(runEvents(rule, events, 30), [[1, "pending"], [5, "inactive"], [7, "pending"], [17, "firing"]]);
});

Deno.test("clear: between the two thresholds the condition stays as it was", () => {
  const between = { verdict: { when: false, clear: false } };
  const events = [1, 3, 5, 7].map((at, index) => ({
    at,
    observed: [between, says(true), between, says(false)][index] as Observation,
  }));
  assert.deepEqual(runEvents(plain, events, 10), [[3, "firing"], [7, "resolved"]]);
});

Deno.test("keep_firing_for: a condition that returns in time has not resolved", () => {
  const rule = { ...plain, keepFiringMs: 10 };
  const events = [
    { at: 1, observed: says(true) },
    { at: 5, observed: says(false) },
    { at: 14, observed: says(true) },
    { at: 20, observed: says(false) },
  ];
  assert.deepEqual(runEvents(rule, events, 50), [[1, "firing"], [30, "resolved"]]);
});

Deno.test("absent: it fires without a signal, and any signal ends that", () => {
  const rule = { ...plain, forMs: 10, absentMs: 20 };
  assert.deepEqual(runEvents(rule, [{ at: 5, observed: says(false) }, { at: 40, observed: failed }], 50), [
    [25, "firing"],
    [40, "resolved"],
  ]);
  // It keeps firing when the condition holds at the signal that ends the absence.
  assert.deepEqual(runEvents(rule, [{ at: 40, observed: says(true) }], 50), [[20, "firing"]]);
});

Deno.test("an expression that fails leaves the condition as it was", () => {
  const events = [{ at: 1, observed: says(true) }, { at: 2, observed: failed }, { at: 3, observed: says(false) }];
  assert.deepEqual(runEvents(plain, events, 10), [[1, "firing"], [3, "resolved"]]);
  assert.deepEqual(runEvents(plain, [{ at: 1, observed: failed }], 10), []);
});

Deno.test("until the daemon has settled, only signals change a state", () => {
  const rule = { ...plain, forMs: 10 },
    pending: MachineState = { ...createState(0), status: "pending", since: -50, holds: true };
  assert.deepEqual(step(rule, pending, 1, null, 20), { state: pending, change: null, wakeAt: 20 });
  assert.equal(step(rule, pending, 20, null, 20).change, "firing");
  assert.equal(step(rule, pending, 1, says(true), 20).change, "firing");
  assert.equal(step(rule, pending, 1, says(false), 20).change, "inactive");
});

const rules: fc.Arbitrary<AlertRule> = fc.record({
  forMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8 })),
  keepFiringMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8 })),
  absentMs: fc.option(fc.integer({ min: 1, max: 12 })),
});
const observations: fc.Arbitrary<Observation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ when: fc.boolean(), clear: fc.boolean() }).map((verdict) => ({ verdict })) },
  { weight: 1, arbitrary: fc.constant(failed) },
);
const histories = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 9 }), observed: observations }), {
  maxLength: 25,
})
  .map((gaps) => {
    let at = 0;
    return gaps.map(({ gap, observed }) => ({ at: at += gap, observed }));
  });

/**
 * The rules as a person would write them down, over the whole history: for each millisecond, whether the condition
 * holds; from that, when it held for long enough and when it did not.
 */
function naive(rule: AlertRule, events: readonly Event[], end: number): [number, AlertChange][] {
  const changes: [number, AlertChange][] = [];
  let holds = false, seen = 0, status: MachineState["status"] = "inactive";
  const active: boolean[] = [], absences: boolean[] = [];
  for (let at = 0; at <= end; at++) {
    const event = events.find((each) => each.at === at);
    if (event !== undefined) {
      const { verdict } = event.observed;
      if (verdict?.when) holds = true;
      else if (verdict?.clear) holds = false;
      seen = at;
    }
    const absent = event === undefined && rule.absentMs !== null && at - seen >= rule.absentMs;
    active.push(holds || absent);
    absences.push(absent);
    const spanOf = (wanted: boolean) => at - (active.findLastIndex((each) => each !== wanted) + 1);
    if (active[at]) {
      const fires = absent || spanOf(true) >= rule.forMs;
      if (status === "inactive" || (status === "pending" && fires)) {
        status = fires ? "firing" : "pending";
        changes.push([at, status]);
      }
    } else if (status === "pending") {
      status = "inactive";
      changes.push([at, "inactive"]);
    } else if (status === "firing" && spanOf(false) >= rule.keepFiringMs) {
      status = "inactive";
      changes.push([at, "resolved"]);
    }
  }
  return changes;
}

Deno.test("whatever the signals, the machine that is woken only when it asks does what the rules say at every millisecond", () => {
  fc.assert(fc.property(rules, histories, (rule, events) => {
    const end = (events.at(-1)?.at ?? 0) + 40;
    assert.deepEqual(runEvents(rule, events, end), naive(rule, events, end));
  }));
});

Deno.test("asking a machine more often changes nothing", () => {
  fc.assert(fc.property(rules, histories, fc.integer({ min: 0, max: 30 }), (rule, events, settleAt) => {
    const end = (events.at(-1)?.at ?? 0) + 40, seen: [number, AlertChange][] = [];
    let state = createState(0);
    for (let at = 0; at <= end; at++) {
      const result = step(rule, state, at, events.find((each) => each.at === at)?.observed ?? null, settleAt);
      state = result.state;
      if (result.change !== null) seen.push([at, result.change]);
    }
    assert.deepEqual(runEvents(rule, events, end, settleAt), seen);
  }));
});
