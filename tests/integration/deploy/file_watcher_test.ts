/** When the watcher asks for a scan, on a real file system; and what the scan finds. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { watchQuietMs, watchScanMinMs } from "../../../src/base/watch_limits.ts";
import { ifPresent } from "../../../src/base/if_present.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { FileWatcher } from "../../../src/deploy/file_watcher.ts";
import { WorkspaceScan } from "../../../src/deploy/workspace_scan.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { join } from "../../support/paths.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

/** A watcher that triggers scans; `sees` waits until one finds what is wanted. */
async function watching(
  root: string,
  test: (sees: (what: (paths: string[]) => boolean) => Promise<void>, looks: () => number) => Promise<void>,
): Promise<void> {
  const paths = workspacePaths(root), scan = new WorkspaceScan(paths, systemClock);
  const waiting = new Set<(found: string[]) => void>();
  let looks = 0;
  const watcher = new FileWatcher(paths, {
    clock: systemClock,
    reportProblem: (message) => assert.fail(message),
    async scan() {
      looks++;
      const found = [...(await scan.scan()).files.keys()];
      for (const tell of [...waiting]) tell(found);
    },
  });
  watcher.start();
  try {
    await test((what) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const tell = (found: string[]) => {
        if (what(found)) resolve();
      };
      waiting.add(tell);
      return within(promise, "a scan that finds it").finally(() => waiting.delete(tell));
    }, () => looks);
  } finally {
    await watcher.stop();
  }
}

Deno.test("a workspace that was removed and recreated is watched again", async () => {
  await inTempDir(async (parent) => {
    const root = join(parent, "w");
    Deno.mkdirSync(root);
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n", "lib/a.ts": "" });
    await watching(root, async (sees) => {
      await sees((found) => found.includes("lib/a.ts"));
      for (const round of ["one", "two"]) {
        Deno.removeSync(root, { recursive: true });
        await sees((found) => found.length === 0);
        Deno.mkdirSync(root);
        await writeWorkspace(root, { "nerve.yaml": "senses: {}\n", [`lib/${round}.ts`]: "" });
        await sees((found) => found.includes(`lib/${round}.ts`));
      }
    });
  });
});

/** A scan may take time that no timer sees. */
class BusyClock extends FakeClock {
  busyMs = 0;

  override monotonic(): number {
    return super.monotonic() + this.busyMs;
  }
}

Deno.test("a scan follows soon after an event, and after a change however long it took; slow scans become rare", async () => {
  // The bug was: a file whose event was lost just after a change was not seen for half a minute.
  const clock = new BusyClock();
  let looks = 0, tookMs = 0;
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const watcher = new FileWatcher(workspacePaths(root), {
      clock,
      reportProblem: (message) => assert.fail(message),
      scan() {
        looks++;
        clock.busyMs += tookMs;
        return Promise.resolve();
      },
    });
    watcher.start();
    const waits = async (lookTakesMs: number): Promise<number> => {
      const before = looks, from = clock.now();
      tookMs = lookTakesMs;
      while (looks === before) await clock.tick(25);
      return clock.now() - from;
    };
    assert.ok(await waits(300) < watchScanMinMs, "the start is as good as an event");
    const found: number[] = [];
    for (const took of [5, 300, 5, 100, 100, 5]) found.push(await waits(took));
    assert.deepEqual(found, [1_000, 1_000, 1_000, 1_000, 1_000, 20_000]);
    await watcher.stop();
  });
});

Deno.test("the kernel's own writes in data/ and logs/ trigger no scan", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n", "lib/a.ts": "", "data/x": "", "logs/y": "" });
    await watching(root, async (sees, looks) => {
      await sees((found) => found.includes("lib/a.ts"));
      const before = looks();
      for (let index = 0; index < 500; index++) {
        Deno.writeTextFileSync(join(root, "data/x"), `${index}`);
        Deno.writeTextFileSync(join(root, `nerve.pid.${index}`), "");
      }
      Deno.writeTextFileSync(join(root, "lib/b.ts"), "");
      await sees((found) => found.includes("lib/b.ts"));
      // One for the new file, and those that come without an event.
      assert.ok(looks() - before < 10, `${looks() - before} looks`);
    });
  });
});

/** How many folders and files the system watches for this process; null where it does not say. */
function countWatches(): number | null {
  const descriptors = "/proc/self/fd";
  if (Deno.build.os !== "linux") return null;
  for (const { name } of Deno.readDirSync(descriptors)) {
    const target = ifPresent(() => Deno.readLinkSync(join(descriptors, name))) ?? "";
    if (!target.includes("inotify")) continue;
    return Deno.readTextFileSync(`/proc/self/fdinfo/${name}`).split("\n").filter((line) => /^inotify/.test(line))
      .length;
  }
  return 0;
}

Deno.test("a link in a folder of a sense is not followed into what it leads to, and folders in folders are watched", async () => {
  // The bug was: each folder below the target was watched, of a link to / all of the machine, and nothing told of them.
  await inTempDir(async (parent) => {
    const root = join(parent, "w"), outside = join(parent, "outside"), clock = new FakeClock();
    for (let n = 0; n < 200; n++) Deno.mkdirSync(join(outside, `many/${n}`), { recursive: true });
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n", "senses/a/index.ts": "", "lib/one/two/a.ts": "" });
    Deno.symlinkSync(outside, join(root, "senses/a/link"));
    let looks = 0, timers = 0;
    const counting = new Proxy(clock, {
      get(target, key) {
        if (key === "after") timers++;
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const before = countWatches();
    const watcher = new FileWatcher(workspacePaths(root), {
      clock: counting,
      reportProblem: (message) => assert.fail(message),
      scan: () => Promise.resolve(void looks++),
    });
    watcher.start();
    try {
      await clock.tick(watchQuietMs);
      await clock.until(() => looks === 1 && clock.pending > 0, "the first scan");
      // The workspace, senses, senses/a, workflows, lib, lib/one, lib/one/two.
      if (before !== null) assert.ok((countWatches() ?? Infinity) - before <= 7, `${countWatches()} of ${before}`);
      const noticed = timers;
      Deno.writeTextFileSync(join(root, "lib/one/two/a.ts"), "export const a = 1;\n");
      await clock.until(() => timers > noticed, "the event of a file in a folder of a folder");
    } finally {
      await watcher.stop();
    }
  });
});
