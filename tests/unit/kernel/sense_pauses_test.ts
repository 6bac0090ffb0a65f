/** Pauses of senses: durable, with an end, and visible to every client. */
import assert from "node:assert/strict";
import { SensePauses } from "../../../src/kernel/sense_pauses.ts";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const hourMs = 3_600_000;

function world(clock = new FakeClock(), stored = new Map<string, string>()) {
  const rows: NewLogRow[] = [], events: string[] = [];
  const pauses = new SensePauses({
    clock,
    meta: {
      get: (key) => stored.get(key) ?? null,
      keys: (prefix) => [...stored.keys()].filter((key) => key.startsWith(prefix)),
      setAll: (values) => values.forEach(([key, value]) => stored.set(key, value)),
    },
    append: (row, values) => {
      rows.push(row);
      for (const [key, value] of values) stored.set(key, value);
      return { ...row, id: rows.length, ts: clock.now() };
    },
    durable: () => Promise.resolve(),
    isSense: (name) => name === "disk" || name === "mail",
    onPaused: (sense) => events.push(`paused ${sense}`),
    onResumed: (sense) => events.push(`resumed ${sense}`),
  });
  return { clock, stored, rows, events, pauses };
}

Deno.test("a pause outlives the daemon, and ends on time in the next one", async () => {
  const first = world();
  await first.pauses.pause("disk", { forMs: 2 * hourMs, reason: "the server moves" });
  await first.pauses.pause("mail", {});
  first.pauses.onSkipped("disk");
  first.pauses.stop();
  assert.equal(first.clock.pending, 0);
  await first.clock.tick(hourMs);
  const next = world(first.clock, first.stored);
  next.pauses.start();
  assert.equal(next.pauses.of("disk")?.skipped, 1);
  assert.ok(next.pauses.isPaused("mail"));
  await next.clock.tick(hourMs);
  assert.deepEqual(next.events, ["resumed disk"]);
  assert.deepEqual(next.rows.map(({ type, payload }) => [type, payload]), [
    ["sense.resumed", { why: "its time was over", skipped: 1 }],
  ]);
  assert.ok(!next.pauses.isPaused("disk"));
  assert.deepEqual(world(first.clock, first.stored).pauses.warnings().length, 1);
  next.pauses.stop();
});

Deno.test("one that is over when the daemon starts ends at once", async () => {
  const first = world();
  await first.pauses.pause("disk", { forMs: hourMs });
  first.pauses.stop();
  await first.clock.tick(5 * hourMs);
  const next = world(first.clock, first.stored);
  next.pauses.start();
  await next.clock.tick(0);
  assert.deepEqual(next.events, ["resumed disk"]);
});

Deno.test("a second pause replaces the end and the reason; resuming twice changes nothing", async () => {
  const { pauses, clock, events, rows } = world();
  assert.equal((await pauses.pause("disk", { forMs: hourMs }))?.changed, true);
  const again = await pauses.pause("disk", { forMs: 3 * hourMs, reason: "longer" });
  assert.equal(again?.changed, false);
  assert.equal(again?.paused?.until, clock.now() + 3 * hourMs);
  await clock.tick(2 * hourMs);
  assert.ok(pauses.isPaused("disk"));
  assert.match(
    pauses.warnings().join(),
    /sense disk is paused for 2h so far, for another 1h \(longer\); 0 triggers skipped/,
  );
  assert.deepEqual(await pauses.resume("disk"), { changed: true, paused: null });
  assert.deepEqual(await pauses.resume("disk"), { changed: false, paused: null });
  assert.deepEqual(events, ["paused disk", "paused disk", "resumed disk"]);
  assert.deepEqual(rows.map(({ type }) => type), ["sense.paused", "sense.paused", "sense.resumed"]);
  assert.equal(clock.pending, 0);
});

Deno.test("a sense that does not exist can be neither paused nor resumed", async () => {
  const { pauses, rows } = world();
  assert.equal(await pauses.pause("dsk", {}), null);
  assert.equal(await pauses.resume("dsk"), null);
  assert.deepEqual(rows, []);
});
