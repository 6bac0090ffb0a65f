/**
 * One watch on real files, with a clock that the test moves. Danger: memory without a bound, a change that is told before
 * its writer is done, or one that is never told because its writer never pauses.
 */
import assert from "node:assert/strict";
import { parsePathPattern } from "../../../src/base/path_pattern.ts";
import { watchBusyMinMs } from "../../../src/base/watch_limits.ts";
import { type Changes, Watch } from "../../../src/watches/watch.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { basename, join } from "../../support/paths.ts";

interface World {
  readonly clock: FakeClock;
  readonly told: Changes[];
  readonly problems: string[];
  /** Writes a file, and resolves when the watch has noticed: it sets its timer anew. */
  writeNoticed(name: string, text?: string): Promise<void>;
}

/** `work` begins when the first look has ended, at files that are a minute old. */
async function watching(room: number, work: (world: World) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir()), clock = new FakeClock(Date.now() + 60_000);
  const pattern = parsePathPattern(folder, "/", null), told: Changes[] = [], problems: string[] = [];
  assert.ok(pattern.ok);
  const write = (name: string, text = "") => Deno.writeTextFileSync(join(folder, name), text);
  for (let n = 0; n < 5; n++) write(`old-${n}`);
  let begun = false, events = 0;
  const counting = new Proxy(clock, {
    get(target, key) {
      if (key === "after") events++;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const plan = { sense: "eye", patterns: [pattern.value], debounceMs: 500, readable: null };
  const watch = new Watch(plan, null, {
    clock: counting,
    ownFolders: [],
    room: () => room,
    onLook: (_, changes) => {
      if (changes === null) begun = true;
      else told.push(changes);
    },
    reportProblem: (message) => problems.push(message),
  });
  try {
    watch.start();
    await clock.until(() => begun && clock.pending > 0, "the first look");
    const writeNoticed = async (name: string, text = "") => {
      const before = events;
      write(name, text);
      await clock.until(() => events > before, "an event of the system");
    };
    await work({ clock, told, problems, writeNoticed });
  } finally {
    await watch.stop();
    await Deno.remove(folder, { recursive: true });
  }
  assert.equal(clock.pending, 0);
}

const names = ({ paths }: Changes) => paths.map((path) => basename(path));

Deno.test("changes are told together, once writing has paused for the debounce", () =>
  watching(1_000, async ({ clock, told, writeNoticed }) => {
    // The second look, which follows the opening of the folder.
    await clock.tick(500);
    await clock.until(() => clock.pending > 0, "its end");
    for (const name of ["a", "b", "c"]) {
      await writeNoticed(name);
      await clock.tick(400);
      assert.deepEqual(told, []);
    }
    await clock.tick(100);
    await clock.until(() => told.length > 0, "changes");
    assert.deepEqual(told.map(names), [["a", "b", "c"]]);
    assert.equal(told[0]?.complete, true);
  }));

Deno.test("a writer that never pauses delays what is told by a bounded time", () =>
  watching(1_000, async ({ clock, told, writeNoticed }) => {
    await clock.tick(500);
    const from = clock.monotonic();
    for (let n = 0; told.length === 0 && clock.monotonic() - from <= watchBusyMinMs + 1_000; n++) {
      await writeNoticed("log", `${n}`.repeat(n + 1));
      await clock.tick(250);
    }
    // The look takes time of its own, in which this clock stands still.
    await clock.until(() => told.length > 0, "what was written");
    assert.deepEqual(told.map(names), [["log"]]);
  }));

Deno.test("with more paths than it may remember, it says so, and tells what the system reports", () =>
  watching(3, async ({ clock, told, problems, writeNoticed }) => {
    assert.match(problems.join(), /more than 3 paths are watched/);
    await clock.tick(500);
    await writeNoticed("new");
    await clock.tick(500);
    await clock.until(() => told.length > 0, "changes");
    assert.deepEqual(told.map(names), [["new"]]);
    assert.equal(told[0]?.complete, false);
    assert.equal(problems.length, 1);
  }));
