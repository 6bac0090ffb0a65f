/** What a crash test makes of the runs that it struck. */
import assert from "node:assert/strict";
import { findProblem, judge, pickStrikes, planStrikes } from "../../../src/cli/crashtest/judge.ts";
import type { Outcome, Strike } from "../../../src/cli/crashtest/trial.ts";
import type { Note } from "../../../src/cli/crashtest/wrapper.ts";
import type { Run, RunMessage } from "../../../src/protocol/run.ts";
import fc from "../../support/fast_check.ts";

const calls = (round: number, role: string, effect: Note["effect"], times = 1): Note[] =>
  Array.from({ length: times }, () => ({ what: "call", round, role, effect }));

function outcome(changes: Partial<Omit<Outcome, "run" | "messages">> & { run?: Partial<Run>; roles?: string[] } = {}) {
  const { run, roles = ["fetch", "ask", "pay"], ...more } = changes;
  const messages = roles.map((role, index) => ({ role, round: index + 1 }) as RunMessage);
  return {
    run: { status: "completed", exitCode: 0, reason: null, endedAt: 5, attempt: 1, ...run } as Run,
    messages,
    notes: [...calls(1, "fetch", "idempotent"), ...calls(3, "pay", "once")],
    waits: new Set([2]),
    asked: 0,
    retries: new Map(),
    struck: true,
    stuck: null,
    ...more,
  } satisfies Outcome;
}

const undisturbed = outcome();

Deno.test("every boundary of every role is struck twice; a wait is struck after its message, and while it waits", () => {
  const strikes = planStrikes(undisturbed),
    of = (wanted: number) =>
      strikes.filter(({ round }) => round === wanted).map(({ boundary, victim }) => `${boundary} ${victim}`);
  const role = ["before process", "in process", "sent process", "before daemon", "in daemon", "sent daemon"];
  assert.deepEqual([of(1), of(3)], [role, role]);
  assert.deepEqual(of(2), ["sent process", "wait daemon", "sent daemon"]);
  assert.equal(
    strikes.findIndex(({ victim }) => victim === "daemon"),
    7,
    "those that leave the daemon alone come first",
  );
  assert.deepEqual(planStrikes(outcome({ roles: [] })), []);
});

Deno.test("a choice of strikes is a part of them, in their order, without repeats", () => {
  const strikes: Strike[] = Array.from({ length: 12 }, (_, round) => ({ round, boundary: "in", victim: "process" }));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.infiniteStream(fc.double({ min: 0, max: 1 })), (most, by) => {
      const picked = pickStrikes(strikes, most, () => Number(by.next().value));
      assert.equal(picked.length, Math.min(most, strikes.length));
      const rounds = picked.map(({ round }) => round);
      assert.deepEqual(rounds, [...new Set(rounds)].sort((a, b) => a - b));
    }),
  );
});

Deno.test("a run that ended as the undisturbed one did, with the same roles, has no problem", () => {
  assert.equal(findProblem(undisturbed, undisturbed), null);
  const paused = outcome({ run: { status: "paused", endedAt: null, reason: "ask" } });
  assert.equal(findProblem(paused, paused), null, "the undisturbed one may end in a pause as well");
});

Deno.test("a role that runs once and ran again is a problem, unless a person let it", () => {
  const again = { notes: calls(3, "pay", "once", 2) };
  assert.match(findProblem(outcome(again), undisturbed) ?? "", /^role pay, which runs once, ran 2 times in round 3$/);
  assert.equal(findProblem(outcome({ ...again, retries: new Map([[3, 1]]) }), undisturbed), null);
  assert.equal(findProblem(outcome({ notes: calls(1, "fetch", "idempotent", 5) }), undisturbed), null);
});

Deno.test("a run that is lost, ended otherwise, or has other messages says so", () => {
  const cases: [Parameters<typeof outcome>[0], RegExp][] = [
    [{ run: { status: "started", endedAt: null } }, /^the run is lost: it is still started$/],
    [{ run: { status: "started", endedAt: null }, stuck: "quarantined" }, /still started: quarantined$/],
    [{ stuck: "quarantined" }, /^the run is lost/],
    [{ run: { status: "failed", exitCode: 1, reason: "no" } }, /^it ended as failed \(no\), undisturbed as completed$/],
    [{ run: { exitCode: 2 } }, /^it ended with exit code 2, undisturbed with 0$/],
    [{ roles: ["fetch", "ask"] }, /^a message is missing: its messages are of fetch, ask, undisturbed of /],
    [{ roles: [] }, /a message is missing: its messages are of nobody/],
    [{ roles: ["fetch", "ask", "refund"] }, /^its messages are of fetch, ask, refund, undisturbed of fetch, ask, pay$/],
  ];
  for (const [changes, expected] of cases) assert.match(findProblem(outcome(changes), undisturbed) ?? "", expected);
});

Deno.test("a trial names the role of its round, and the roles whose code ran twice", () => {
  const strike: Strike = { round: 1, boundary: "in", victim: "process" };
  const struck = outcome({ notes: calls(1, "fetch", "idempotent", 2), run: { attempt: 2 }, asked: 1 });
  assert.deepEqual(judge(strike, struck, undisturbed), {
    ...strike,
    ...{ role: "fetch", attempts: 2, ranTwice: ["fetch"], asked: 1, status: "completed", struck: true, problem: null },
  });
});
