import assert from "node:assert/strict";
import type { Signal, Trigger } from "../../../src/protocol/signal.ts";
import { advance, createTimeline, type TimelineEvent } from "../../../src/scheduler/trigger_policy.ts";
import fc from "../../support/fast_check.ts";

const signal: Signal = { id: 7, sense: "other", payload: null, ts: 0 };
const interval = (due = 0): Trigger => ({ kind: "interval", due, coalesced: 0 });
const cron = (due = 0): Trigger => ({ kind: "cron", due, coalesced: 0 });
const manual = (causeId: number | null = null): Trigger => ({ kind: "manual", causeId, coalesced: 0 });
const signalled: Trigger = { kind: "signal", signal, coalesced: 0 };

/** Feeds a timeline event after event and returns its actions. */
class Player {
  state;
  #lastId = 0;

  constructor(throttleMs = 0) {
    this.state = createTimeline(throttleMs);
  }

  trigger(now: number, trigger: Trigger = interval()) {
    return this.send({ kind: "trigger", trigger, id: ++this.#lastId, now });
  }

  send(event: TimelineEvent) {
    const step = advance(this.state, event);
    this.state = step.state;
    return step.actions;
  }
}

Deno.test("an idle sense without a throttle starts at once", () => {
  const player = new Player();
  assert.deepEqual(player.trigger(10), [{ kind: "start", compute: { id: 1, trigger: interval() } }]);
  assert.equal(player.state.tag, "running");
  assert.deepEqual(player.send({ kind: "finished", beganAt: 0, now: 12 }), []);
  assert.equal(player.state.tag, "idle");
});

Deno.test("triggers while a compute runs lead to exactly one compute, at its end", () => {
  const player = new Player();
  player.trigger(0);
  assert.deepEqual(player.trigger(1), [{ kind: "deferred", reason: "coalesced", computeId: 2, until: null }]);
  assert.deepEqual(player.trigger(2), [{ kind: "deferred", reason: "coalesced", computeId: 2, until: null }]);
  const compute = { id: 2, trigger: { ...interval(), coalesced: 1 } };
  assert.deepEqual(player.send({ kind: "finished", beganAt: 0, now: 3 }), [{ kind: "start", compute }]);
  assert.deepEqual(player.send({ kind: "finished", beganAt: 0, now: 4 }), []);
});

Deno.test("a trigger inside the throttle window waits for its end, and others merge into it", () => {
  const player = new Player(100);
  player.trigger(0);
  player.send({ kind: "finished", beganAt: 0, now: 5 });
  assert.deepEqual(player.trigger(10), [
    { kind: "wait", until: 100 },
    { kind: "deferred", reason: "throttled", computeId: 2, until: 100 },
  ]);
  assert.deepEqual(player.trigger(20), [{ kind: "deferred", reason: "coalesced", computeId: 2, until: null }]);
  assert.deepEqual(player.send({ kind: "window_elapsed", now: 100 }), [
    { kind: "start", compute: { id: 2, trigger: { ...interval(), coalesced: 1 } } },
  ]);
});

Deno.test("a compute that outlasts its window is followed at its end, one that does not at the window's", () => {
  const long = new Player(100);
  long.trigger(0);
  long.trigger(50);
  assert.equal(long.send({ kind: "finished", beganAt: 0, now: 150 })[0]?.kind, "start");

  const short = new Player(100);
  short.trigger(0);
  short.trigger(50);
  assert.deepEqual(short.send({ kind: "finished", beganAt: 0, now: 60 }), [{ kind: "wait", until: 100 }]);
});

// The bug was: two computes began 2 ms apart at `throttle: 3s`, because the process of the first took 3 s to start.
Deno.test("the window counts from the beginning of the compute, not from its request", () => {
  const slow = new Player(100);
  slow.trigger(0);
  slow.trigger(10);
  assert.deepEqual(slow.send({ kind: "finished", beganAt: 98, now: 99 }), [{ kind: "wait", until: 198 }]);
});

Deno.test("a window that was reported as elapsed too early is waited for again", () => {
  const player = new Player(100);
  player.trigger(0);
  player.send({ kind: "finished", beganAt: 0, now: 1 });
  player.trigger(2);
  assert.deepEqual(player.send({ kind: "window_elapsed", now: 99.5 }), [{ kind: "wait", until: 100 }]);
});

Deno.test("a window that elapses when nothing waits starts nothing", () => {
  const player = new Player(100);
  assert.deepEqual(player.send({ kind: "window_elapsed", now: 5 }), []);
  player.trigger(10);
  assert.deepEqual(player.send({ kind: "window_elapsed", now: 500 }), []);
  assert.equal(player.state.tag, "running");
});

Deno.test("of merged triggers the most specific is kept, and of equals the newest", () => {
  const kept = (...triggers: Trigger[]) => {
    const player = new Player();
    player.trigger(0);
    for (const trigger of triggers) player.trigger(1, trigger);
    const [action] = player.send({ kind: "finished", beganAt: 0, now: 2 });
    return action?.kind === "start" ? action.compute.trigger : null;
  };
  assert.deepEqual(kept(manual(1), signalled, cron(), interval()), { ...manual(1), coalesced: 3 });
  assert.deepEqual(kept(interval(), cron(), signalled), { ...signalled, coalesced: 2 });
  assert.deepEqual(kept(cron(3), interval(9)), { ...cron(3), coalesced: 1 });
  assert.deepEqual(kept(interval(1), interval(2), interval(3)), { ...interval(3), coalesced: 2 });
  assert.deepEqual(kept(manual(1), manual(2)), { ...manual(2), coalesced: 1 });
});

Deno.test("a shorter throttle lets a waiting compute start, a longer one holds it back", () => {
  const player = new Player(100);
  player.trigger(0);
  player.send({ kind: "finished", beganAt: 0, now: 1 });
  player.trigger(10);
  assert.deepEqual(player.send({ kind: "plan_changed", throttleMs: 200, now: 20 }), [{ kind: "wait", until: 200 }]);
  assert.equal(player.send({ kind: "plan_changed", throttleMs: 15, now: 20 })[0]?.kind, "start");
});

Deno.test("a dropped compute never starts, and the running compute continues", () => {
  const player = new Player(100);
  player.trigger(0);
  player.trigger(1);
  assert.deepEqual(player.send({ kind: "dropped" }), [{ kind: "drop", compute: { id: 2, trigger: interval() } }]);
  assert.equal(player.state.tag, "running");
  assert.deepEqual(player.send({ kind: "dropped" }), []);
  assert.deepEqual(player.send({ kind: "finished", beganAt: 0, now: 500 }), []);

  player.trigger(500);
  player.send({ kind: "finished", beganAt: 0, now: 501 });
  player.trigger(502);
  assert.equal(player.send({ kind: "dropped" })[0]?.kind, "drop");
  assert.deepEqual(player.send({ kind: "window_elapsed", now: 700 }), []);
});

Deno.test("an end without a compute is reported as a bug", () => {
  assert.throws(() => new Player().send({ kind: "finished", beganAt: 0, now: 0 }), /nerve bug/);
});

type Command =
  | { do: "trigger"; after: number; trigger: Trigger }
  /** `late`: how much of its time had passed when the sense began the compute. */
  | { do: "finish"; after: number; late: number }
  | { do: "wait"; after: number }
  | { do: "throttle"; after: number; throttleMs: number };

const after = fc.oneof(fc.constant(0), fc.nat(30), fc.double({ min: 0, max: 200, noNaN: true }));
const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant("trigger" as const), after, trigger: triggers() }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("finish" as const), after, late: fc.constantFrom(0, 0.5, 1) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), after }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("throttle" as const), after, throttleMs: fc.nat(120) }),
    },
  ),
  { maxLength: 80, size: "max" },
);

function triggers(): fc.Arbitrary<Trigger> {
  return fc.oneof(
    fc.nat().map((due) => interval(due)),
    fc.nat().map((due) => cron(due)),
    fc.constant(signalled),
    fc.nat().map((causeId) => manual(causeId)),
  );
}

interface Started {
  readonly id: number;
  readonly trigger: Trigger;
  at: number;
  /** The throttle that applied when it started. */
  readonly throttleMs: number;
}

/** Plays commands as the scheduler would, windows included, and records what happened. */
class Game {
  now = 0;
  readonly started: Started[] = [];
  /** Every trigger, its time, and the compute that should answer it. */
  readonly requests: { at: number; trigger: Trigger; computeId: number }[] = [];
  readonly #player: Player;
  #throttleMs: number;
  #window: number | null = null;
  #running = false;

  constructor(throttleMs: number) {
    this.#throttleMs = throttleMs;
    this.#player = new Player(throttleMs);
  }

  play(command: Command): void {
    this.#advance(this.now + command.after);
    if (command.do === "throttle") {
      this.#throttleMs = command.throttleMs;
      this.#act(this.#player.send({ kind: "plan_changed", throttleMs: command.throttleMs, now: this.now }));
    } else if (command.do === "finish") {
      this.finish(command.late);
    } else if (command.do === "trigger") {
      const actions = this.#player.trigger(this.now, command.trigger);
      const answers = actions.filter((action) => action.kind === "start" || action.kind === "deferred");
      assert.equal(answers.length, 1, "a trigger is answered by a start or by a reason, and by one of them only");
      for (const answer of answers) {
        const computeId = answer.kind === "start" ? answer.compute.id : answer.computeId;
        this.requests.push({ at: this.now, trigger: command.trigger, computeId });
        if (answer.kind === "deferred" && answer.reason === "throttled") assert.ok(answer.until > this.now);
      }
      this.#act(actions);
    }
  }

  finish(late = 0): void {
    const compute = this.started.at(-1);
    if (!this.#running || compute === undefined) return;
    this.#running = false;
    compute.at += (this.now - compute.at) * late;
    this.#act(this.#player.send({ kind: "finished", beganAt: compute.at, now: this.now }));
  }

  /** Plays until nothing is left to do. */
  drain(): void {
    while (this.#running || this.#window !== null) {
      this.finish();
      if (this.#window !== null) this.#advance(this.#window);
    }
    assert.equal(this.#player.state.tag, "idle");
  }

  #advance(to: number): void {
    while (this.#window !== null && this.#window <= to) {
      this.now = Math.max(this.now, this.#window);
      this.#window = null;
      this.#act(this.#player.send({ kind: "window_elapsed", now: this.now }));
    }
    this.now = Math.max(this.now, to);
  }

  #act(actions: ReturnType<Player["send"]>): void {
    for (const action of actions) {
      if (action.kind === "wait") this.#window = action.until;
      if (action.kind !== "start") continue;
      assert.equal(this.#running, false, "two computes overlap");
      this.#running = true;
      this.#window = null;
      this.started.push({ ...action.compute, at: this.now, throttleMs: this.#throttleMs });
    }
  }
}

Deno.test("whatever happens: no overlap, no start within the throttle, no trigger lost and none answered twice", () => {
  fc.assert(
    fc.property(fc.nat(150), commands, (throttleMs, list) => {
      const game = new Game(throttleMs);
      for (const command of list) game.play(command);
      game.drain();

      const { started, requests } = game;
      started.forEach((compute, index) => {
        const before = started[index - 1];
        // Compared as the timeline does it: a difference of doubles may be off by a bit.
        if (before !== undefined) assert.ok(before.at + compute.throttleMs <= compute.at);
      });
      assert.equal(new Set(started.map((compute) => compute.id)).size, started.length, "a compute started twice");
      for (const { at, computeId } of requests) {
        const answer = started.find((compute) => compute.id === computeId);
        assert.ok(answer !== undefined && answer.at >= at, "a trigger was lost");
      }
      assert.ok(started.length <= requests.length);
      assert.equal(started.reduce((sum, compute) => sum + compute.trigger.coalesced + 1, 0), requests.length);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("whatever happens: a compute carries the newest of the most specific triggers that it answers", () => {
  const rank = ["interval", "cron", "signal", "manual"];
  fc.assert(
    fc.property(fc.nat(150), commands, (throttleMs, list) => {
      const game = new Game(throttleMs);
      for (const command of list) game.play(command);
      game.drain();
      for (const compute of game.started) {
        const answered = game.requests.filter((ask) => ask.computeId === compute.id).map((ask) => ask.trigger);
        const top = Math.max(...answered.map((trigger) => rank.indexOf(trigger.kind)));
        const expected = answered.findLast((trigger) => rank.indexOf(trigger.kind) === top);
        assert.deepEqual(compute.trigger, { ...expected, coalesced: answered.length - 1 });
      }
    }),
    { numRuns: 500 },
  );
});
