/**
 * Listeners get every signal, in the order of the log, whatever dies when. The test plays the log and the daemon.
 * Danger: a signal that no compute ever gets, because its listener's place moved past it.
 */
import assert from "node:assert/strict";
import { heardBytesMax, heardSignalsMax } from "../../../src/base/limits.ts";
import type { Signal } from "../../../src/protocol/signal.ts";
import { SignalInbox } from "../../../src/sensing/signal_inbox.ts";
import fc from "../../support/fast_check.ts";

type Listeners = ConstructorParameters<typeof Map<string, Set<string>>>[0];

/** A log of signals, and the places that were stored beside it. */
class Log {
  readonly signals: Signal[] = [];
  readonly places = new Map<string, string>();
  pageSignals = heardSignalsMax;

  open(listeners: Listeners): SignalInbox {
    const inbox = new SignalInbox({
      readSignals: (sense, afterId) => {
        const all = this.signals.filter((signal) => signal.sense === sense && signal.id > afterId);
        return { signals: all.slice(0, this.pageSignals), hasMore: all.length > this.pageSignals };
      },
      lastRowId: () => this.signals.length,
      places: {
        get: (key) => this.places.get(key) ?? null,
        keys: (prefix) => [...this.places.keys()].filter((key) => key.startsWith(prefix)),
        setAll: (values) => values.forEach(([key, value]) => this.places.set(key, value)),
      },
    });
    inbox.setListeners(new Map(listeners));
    return inbox;
  }

  append(sense: string, payload: Signal["payload"] = null): Signal {
    const signal = { id: this.signals.length + 1, sense, payload, ts: 0 };
    this.signals.push(signal);
    return signal;
  }
}

const ids = (signals: readonly Signal[]) => signals.map(({ id }) => id);

Deno.test("a compute gets all signals since the last one, oldest first, and only of the senses it listens to", () => {
  const log = new Log(), inbox = log.open([["sum", new Set(["a", "b"])], ["other", new Set(["c"])]]);
  for (const sense of ["a", "b", "c", "a"]) inbox.add(log.append(sense));
  assert.deepEqual(ids(inbox.take("sum")), [1, 2, 4]);
  assert.equal(inbox.settle("sum", true), null);
  assert.deepEqual(inbox.take("sum"), []);
  assert.deepEqual([inbox.hasListeners("a"), inbox.hasListeners("sum")], [true, false]);
  assert.deepEqual(inbox.take("nobody"), []);
});

Deno.test("a compute that its process did not answer, and a daemon that died, give the signals again", () => {
  const log = new Log(), listeners: Listeners = [["sum", new Set(["a"])]], inbox = log.open(listeners);
  for (let n = 0; n < 3; n++) inbox.add(log.append("a"));
  inbox.take("sum");
  inbox.add(log.append("a"));
  assert.equal(inbox.settle("sum", false), null);
  assert.deepEqual(ids(inbox.take("sum")), [1, 2, 3, 4]);
  inbox.settle("sum", true);
  log.append("a");
  const next = log.open(listeners);
  assert.equal(next.newestWaiting("sum")?.id, 5);
  assert.deepEqual(ids(next.take("sum")), [5]);
});

Deno.test("a sense that begins to listen hears what comes from then on, also when it is added to others", () => {
  const log = new Log();
  log.append("a");
  const inbox = log.open([["sum", new Set(["a"])]]);
  inbox.add(log.append("b"));
  inbox.setListeners(new Map([["sum", new Set(["a", "b"])]]));
  for (const sense of ["a", "b"]) inbox.add(log.append(sense));
  assert.deepEqual(ids(inbox.take("sum")), [3, 4]);
  inbox.settle("sum", true);
  inbox.setListeners(new Map());
  inbox.add(log.append("a"));
  inbox.setListeners(new Map([["sum", new Set(["a"])]]));
  assert.equal(inbox.newestWaiting("sum"), null);
});

Deno.test("a listener that went while no daemon ran is forgotten: its place would keep signals from the archive", () => {
  const log = new Log();
  log.open([["sum", new Set(["a"])], ["other", new Set(["a"])]]);
  const inbox = log.open([["sum", new Set(["a"])]]);
  assert.deepEqual(Object.fromEntries(log.places), { "heard:sum": '{"a":0}', "heard:other": "{}" });
  log.append("a");
  inbox.setListeners(new Map([["sum", new Set(["a"])], ["other", new Set(["a"])]]));
  assert.equal(log.places.get("heard:other"), '{"a":1}');
});

Deno.test("a backlog comes in parts bounded in number and in bytes, and says that there is more", () => {
  const log = new Log(), inbox = log.open([["sum", new Set(["a"])], ["big", new Set(["b"])]]);
  const all = heardSignalsMax * 2 + 7;
  for (let n = 0; n < all; n++) inbox.add(log.append("a"));
  assert.deepEqual(ids(inbox.take("sum")), Array.from({ length: heardSignalsMax }, (_, n) => n + 1));
  assert.ok(inbox.settle("sum", true));
  assert.equal(inbox.take("sum").length, heardSignalsMax);
  assert.equal(inbox.settle("sum", true)?.id, all);
  assert.equal(inbox.take("sum").length, 7);
  assert.equal(inbox.settle("sum", true), null);
  const third = "x".repeat(heardBytesMax * 0.4);
  for (let n = 0; n < 5; n++) inbox.add(log.append("b", third));
  inbox.add(log.append("b", "y".repeat(heardBytesMax * 2)));
  const lengths: number[] = [];
  do lengths.push(inbox.take("big").length); while (inbox.settle("big", true) !== null);
  assert.deepEqual(lengths, [2, 2, 1, 1]);
});

Deno.test("whatever dies when, every signal is heard, in order, and an answered one never again", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("signal" as const), of: fc.constantFrom("a", "b") }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("answered" as const, "died" as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), inCompute: fc.boolean() }) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, page) => {
    const log = new Log(), listeners: Listeners = [["sum", new Set(["a", "b"])]], answered: number[] = [];
    log.pageSignals = page;
    let inbox = log.open(listeners);
    const compute = (lives: boolean) => {
      const heard = ids(inbox.take("sum"));
      if (lives) answered.push(...heard);
      return inbox.settle("sum", lives);
    };
    for (const each of steps) {
      if (each.do === "signal") inbox.add(log.append(each.of));
      else if (each.do === "restart") {
        if (each.inCompute) inbox.take("sum");
        inbox = log.open(listeners);
      } else compute(each.do === "answered");
    }
    while (inbox.newestWaiting("sum") !== null) compute(true);
    assert.deepEqual(answered, ids(log.signals));
  }));
});
