/**
 * Whenever the daemon dies, in the middle of any write: no signal stays unprocessed, no change is lost or comes twice,
 * and every notice that was due has exactly one run.
 */
import assert from "node:assert/strict";
import { AlertWorld } from "../../support/alert_world.ts";
import fc from "../../support/fast_check.ts";

const alerts = `
now: { sense: disk, when: signal.used > 0.9, clear: signal.used < 0.5, key: signal.path, workflow: notify }
later: { sense: disk, when: signal.used > 0.8, for: 3s, keep_firing_for: 2s, absent: 20s, workflow: other, repeat: 15s }`;

interface Act {
  readonly path: string;
  readonly used: number;
  readonly waitMs: number;
  /** How many writes are left before the daemon dies. */
  readonly dies: number | null;
  readonly downMs: number;
}

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    path: fc.constantFrom("/", "/var"),
    used: fc.constantFrom(0.1, 0.6, 0.85, 0.95),
    waitMs: fc.constantFrom(0, 500, 2_500, 12_000),
    dies: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 3 }),
    downMs: fc.constantFrom(0, 1_000, 60_000),
  }),
  { minLength: 1, maxLength: 15 },
);

/** What a person would expect from an alert without times, from the signals alone. */
function expected(signals: readonly { path: string; used: number }[]): string[] {
  const firing = new Set<string>(), story: string[] = [];
  for (const { path, used } of signals) {
    if (used > 0.9 && !firing.has(path)) story.push(`firing ${path}`), firing.add(path);
    else if (used < 0.5 && firing.delete(path)) story.push(`resolved ${path}`);
  }
  return story;
}

const next: Readonly<Record<string, readonly string[]>> = {
  inactive: ["pending", "firing"],
  pending: ["inactive", "firing"],
  firing: ["resolved", "repeated"],
  repeated: ["resolved", "repeated"],
  resolved: ["pending", "firing"],
};

async function live(world: AlertWorld, list: readonly Act[]): Promise<{ path: string; used: number }[]> {
  const told: { path: string; used: number }[] = [];
  for (const { path, used, waitMs, dies, downMs } of list) {
    if (dies !== null) world.left = dies;
    if (await world.tell("disk", { path, used })) told.push({ path, used });
    await world.clock.tick(waitMs);
    if (dies !== null) await world.restart({ downMs });
  }
  await world.restart();
  await world.clock.tick(1_000);
  return told;
}

Deno.test("a death at any write loses no signal, no change and no notice, and doubles none", async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (list) => {
      const world = await AlertWorld.start(alerts), signals = await live(world, list);
      assert.deepEqual(world.story("now"), expected(signals));
      const stories = Map.groupBy(world.alertRows(), ({ source, payload }) => {
        return `${source} ${(payload as { key: string }).key}`;
      });
      for (const rows of stories.values()) {
        let before = "inactive";
        for (const { type } of rows) {
          const now = type.slice("alert.".length);
          assert.ok(next[before]?.includes(now), `${before} -> ${now}`);
          before = now;
        }
      }
      const due = world.alertRows().filter(({ payload }) => (payload as { notice?: string }).notice === "due");
      assert.deepEqual([...world.runs.keys()].sort(), due.map(({ id, refId }) => `${refId}.${id}`).sort());
      // Every change that was reported was delivered to listeners in the same write.
      const changes = world.alertRows().filter(({ type }) => type === "alert.firing" || type === "alert.resolved");
      const heard = world.rows.filter(({ payload }) => (payload as { alert?: string }).alert !== undefined);
      assert.deepEqual(heard.map(({ causeId }) => causeId), changes.map(({ id }) => id));
    }),
    { numRuns: 150 },
  );
});

Deno.test("a restart in good order changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (list) => {
      const world = await AlertWorld.start(alerts);
      for (const { path, used, waitMs, dies } of list) {
        await world.tell("disk", { path, used });
        if (dies !== null) await world.restart({ stop: true });
        await world.clock.tick(waitMs);
      }
      assert.deepEqual(world.story("now"), expected(list));
    }),
    { numRuns: 50 },
  );
});
