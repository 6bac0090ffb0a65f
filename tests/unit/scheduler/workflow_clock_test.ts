/**
 * The own clocks of workflows, with a follower that only remembers. Dangers: a tick that a restart or a reload loses or
 * doubles, and hours of missed ticks that all come at once.
 */
import assert from "node:assert/strict";
import type { LineTick, ScheduleFollower, ScheduleLine, WorkflowSchedulePlan } from "../../../src/scheduler/ports.ts";
import { WorkflowClock } from "../../../src/scheduler/workflow_clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs;

function line(change: Partial<ScheduleLine> = {}): ScheduleLine {
  return { cron: "0 * * * *", timezone: "UTC", catchUp: "none", prompt: "p", ...change };
}

function plan(workflow: string, ...lines: ScheduleLine[]): WorkflowSchedulePlan {
  return { workflow, lines, shared: false };
}

/** Remembers what it is told, as the log does from one daemon to the next. Hours count from when the test began. */
class Follower implements ScheduleFollower {
  readonly told: string[] = [];
  readonly #upTo = new Map<string, number>();
  readonly #clock: FakeClock;
  readonly #from: number;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.#from = clock.now();
  }

  followedUpTo(workflow: string, line: ScheduleLine): number | null {
    return this.#upTo.get(this.#keyOf(workflow, line)) ?? null;
  }

  onFollowed(workflow: string, line: ScheduleLine): void {
    this.#upTo.set(this.#keyOf(workflow, line), this.#clock.now());
    this.told.push(`follow ${workflow} ${line.prompt}`);
  }

  onTick(tick: LineTick, caughtUp: boolean): void {
    this.#note(caughtUp ? "catch up" : "tick", tick);
  }

  onMissed(tick: LineTick): void {
    this.#note("missed", tick);
  }

  #note(what: string, { workflow, line, due }: LineTick): void {
    this.#upTo.set(this.#keyOf(workflow, line), due);
    this.told.push(`${what} ${workflow} ${line.prompt} ${(due - this.#from) / hourMs}`);
  }

  #keyOf(workflow: string, line: ScheduleLine): string {
    return `${workflow} ${JSON.stringify(line)}`;
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

function begin(...plans: WorkflowSchedulePlan[]) {
  const clock = new FakeClock(), follower = new Follower(clock), lines = new WorkflowClock(clock, follower);
  lines.setPlans(plans);
  lines.start();
  return { clock, follower, lines };
}

/** The next daemon, on what the follower remembers. */
function restart(clock: FakeClock, follower: Follower, ...plans: WorkflowSchedulePlan[]): WorkflowClock {
  const lines = new WorkflowClock(clock, follower);
  lines.setPlans(plans);
  lines.start();
  return lines;
}

Deno.test("a new line is told once, and ticks at its times with the time that it names", async () => {
  const { clock, follower } = begin(plan("a", line()), plan("b", line({ cron: "30 * * * *" })));
  assert.deepEqual(follower.take(), ["follow a p", "follow b p"]);
  await clock.tick(2 * hourMs);
  assert.deepEqual(follower.take(), ["tick b p 0.5", "tick a p 1", "tick b p 1.5", "tick a p 2"]);
});

Deno.test("plans that are set before the start are only recorded", async () => {
  const clock = new FakeClock(), follower = new Follower(clock), lines = new WorkflowClock(clock, follower);
  lines.setPlans([plan("a", line())]);
  await clock.tick(2 * hourMs);
  assert.deepEqual([follower.take(), clock.pending, lines.nextDue("a")], [[], 0, null]);
  lines.start();
  assert.equal(lines.nextDue("a"), clock.now() + hourMs);
  assert.throws(() => lines.start(), /starts once/);
});

Deno.test("equal lines of a workflow are one, lines that differ in anything are not, and another workflow has its own", async () => {
  const { clock, follower } = begin(
    plan("a", line(), line(), line({ prompt: "q" })),
    plan("b", line()),
  );
  assert.deepEqual(follower.take(), ["follow a p", "follow a q", "follow b p"]);
  await clock.tick(hourMs);
  assert.deepEqual(follower.take(), ["tick a p 1", "tick a q 1", "tick b p 1"]);
});

Deno.test("of many ticks that no daemon saw the newest is missed or made good, by what the line says", async () => {
  const plans = [plan("none", line()), plan("once", line({ catchUp: "once" }))];
  const { clock, follower, lines } = begin(...plans);
  lines.stop();
  follower.take();
  await clock.tick(5 * hourMs + minuteMs);
  const next = restart(clock, follower, ...plans);
  assert.deepEqual(follower.take(), ["missed none p 5", "catch up once p 5"], "and neither is new");
  assert.equal(next.nextDue("once"), clock.now() + hourMs - minuteMs);
  next.stop();
  restart(clock, follower, ...plans);
  assert.deepEqual(follower.take(), [], "each is told once");
});

Deno.test("a line that the last daemon did not know has missed nothing", async () => {
  const { clock, follower, lines } = begin(plan("a", line({ catchUp: "once" })));
  lines.stop();
  follower.take();
  await clock.tick(3 * hourMs);
  restart(clock, follower, plan("a", line({ catchUp: "once", prompt: "new" })));
  assert.deepEqual(follower.take(), ["follow a new"]);
});

Deno.test("a restart within the minute of a tick does not repeat it", async () => {
  const { clock, follower, lines } = begin(plan("a", line({ catchUp: "once" })));
  await clock.tick(hourMs);
  lines.stop();
  restart(clock, follower, plan("a", line({ catchUp: "once" })));
  await clock.tick(minuteMs);
  assert.deepEqual(follower.take(), ["follow a p", "tick a p 1"]);
});

Deno.test("the wall clock set back a little while no daemon ran does not repeat a fixed time", async () => {
  const daily = line({ cron: "0 1 * * *", catchUp: "once" }), { clock, follower, lines } = begin(plan("a", daily));
  await clock.tick(hourMs + minuteMs);
  lines.stop();
  assert.deepEqual(follower.take(), ["follow a p", "tick a p 1"]);
  clock.jump(-hourMs / 2);
  const next = restart(clock, follower, plan("a", daily));
  await clock.tick(hourMs);
  assert.deepEqual(follower.take(), []);
  assert.ok((next.nextDue("a") ?? 0) > clock.now() + 22 * hourMs);
});

Deno.test("however often plans are set, a line that stays neither skips nor repeats a tick, and makes no second timer", async () => {
  const { clock, follower, lines } = begin(plan("a", line()));
  follower.take();
  const { pending } = clock;
  for (let n = 0; n < 120; n++) {
    await clock.tick(minuteMs);
    lines.setPlans([plan("a", { ...line() })]);
  }
  assert.deepEqual(follower.take(), ["tick a p 1", "tick a p 2"]);
  assert.equal(clock.pending, pending);
});

Deno.test("a reload follows new lines, leaves those that are gone, and leaves what ticked meanwhile", async () => {
  const { clock, follower, lines } = begin(plan("a", line(), line({ prompt: "q" })));
  follower.take();
  lines.setPlans([plan("a", line({ prompt: "q" })), plan("b", line())]);
  assert.deepEqual(follower.take(), ["follow b p"]);
  await clock.tick(hourMs);
  assert.deepEqual(follower.take(), ["tick a q 1", "tick b p 1"]);
  assert.notEqual(lines.nextDue("a"), null);
  lines.setPlans([plan("b", line())]);
  assert.equal(lines.nextDue("a"), null);
  // Back after three ticks: only a start looks for what was missed.
  await clock.tick(3 * hourMs);
  follower.take();
  lines.setPlans([plan("a", line({ prompt: "q", catchUp: "none" }))]);
  assert.deepEqual(follower.take(), []);
});

Deno.test("a workflow is due at the first of its lines", () => {
  const { clock, lines } = begin(
    plan("a", line(), line({ cron: "10 * * * *" })),
    plan("b", line({ cron: "5 * * * *" })),
  );
  assert.equal(lines.nextDue("a"), clock.now() + 10 * minuteMs);
  assert.equal(lines.nextDue("none"), null);
});

Deno.test("a line that never comes is followed and is never due", async () => {
  const { clock, follower, lines } = begin(plan("a", line({ cron: "0 0 30 2 *" })));
  assert.equal(lines.nextDue("a"), null);
  await clock.tick(48 * hourMs);
  assert.deepEqual(follower.take(), ["follow a p"]);
});

Deno.test("a wall clock that is set forward makes one tick of all that it skips", async () => {
  const { clock, follower } = begin(plan("a", line()));
  follower.take();
  clock.jump(5 * hourMs + minuteMs);
  await clock.tick(0);
  assert.equal(follower.take().length, 1);
  await clock.tick(hourMs - minuteMs);
  assert.deepEqual(follower.take(), ["tick a p 6"]);
});

Deno.test("the wall clock is followed once while there are lines, and a stopped clock leaves nothing behind", async () => {
  const { clock, follower, lines } = begin(plan("a", line()));
  lines.setPlans([plan("a", line()), plan("b", line())]);
  assert.equal(clock.followers, 1);
  lines.setPlans([]);
  assert.deepEqual([clock.followers, clock.pending], [0, 0]);
  lines.setPlans([plan("a", line())]);
  assert.equal(clock.followers, 1);
  lines.stop();
  lines.setPlans([plan("a", line())]);
  assert.deepEqual([clock.followers, clock.pending, lines.nextDue("a")], [0, 0, null]);
  follower.take();
  await clock.tick(2 * hourMs);
  assert.deepEqual(follower.take(), []);
});
