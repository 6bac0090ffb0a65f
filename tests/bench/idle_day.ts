/**
 * A workspace of 30 senses, each a group of its own, one compute every 5 minutes, on a clock that runs 20 times as fast:
 * some minutes of its life in some seconds, or with NERVE_BENCH=long 24 hours in 72 minutes. Tells the private memory of
 * all its processes (mean over time), and what the kernel has gained after its first round: memory, file descriptors,
 * and the rows of the log for each compute.
 * Floor of the memory: the kernel alone would be left if no group's process were alive.
 * Not measured: the foreground's printing (the kernel is embedded here). Since starts and computes take real time, at 20
 * times the speed a process lives for a larger share of the interval than it would.
 */
import { type Clock, delay, systemClock } from "../../src/base/clock.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { figure, type Figures, median } from "./figure.ts";
import { privateMiB } from "./memory.ts";

const speed = 20, senses = 30, roundMs = 5 * 60_000 / speed;
const rounds = Deno.env.get("NERVE_BENCH") === "long" ? 288 : 1;

/** Real time and wall time, both so many times as fast. */
function scaledClock(factor: number): Clock {
  const wall = systemClock.now(), start = systemClock.monotonic();
  const monotonic = () => start + (systemClock.monotonic() - start) * factor;
  const now = () => wall + (systemClock.monotonic() - start) * factor;
  return {
    now,
    monotonic,
    after: (ms, fire) => systemClock.after(ms / factor, fire),
    at: (due, fire) => systemClock.after((due - now()) / factor, fire),
  };
}

interface Sample {
  readonly total: number;
  readonly kernel: number;
  readonly files: number;
}

export async function* figures(): Figures {
  const names = Array.from({ length: senses }, (_, index) => `s${index}`);
  const spread = (index: number) => ({ startup_delay: `${index * 10}s`, timeout: "10m" });
  await using workspace = await startWorkspace({
    clock: scaledClock(speed),
    yaml: {
      senses: Object.fromEntries(names.map((name, index) => [name, spread(index)])),
      reflexes: names.map((sense) => ({ sense, interval: "5m" })),
    },
    senses: Object.fromEntries(names.map((name) => [name, "export const compute = () => ({ ok: true });\n"])),
  });
  await samples(workspace, 2);
  const from = await samples(workspace, 2), seen = await samples(workspace, Math.max(0, rounds * roundMs / 1_000 - 4));
  const last = seen.slice(-3), first = from.slice(-1);
  const growth = (key: keyof Sample) => median(last.map((each) => each[key])) - median(first.map((each) => each[key]));
  const name = `${senses} senses of 5 min, a group each`;
  const { counters } = workspace.health();
  yield figure(
    `${name}: memory in all`,
    "MiB",
    seen.map(({ total }) => total),
    median(seen.map(({ kernel }) => kernel)),
  );
  yield figure(`${name}: growth of the kernel`, "MiB", [growth("kernel")], null);
  yield figure(`${name}: growth in open files`, "files", [growth("files")], null);
  yield figure(`${name}: computes that gave no signal`, "%", [100 - 100 * share(counters)], null);
}

/** One a second. */
async function samples({ kernel }: WorkspaceFixture, count: number): Promise<Sample[]> {
  const taken: Sample[] = [];
  while (taken.length < count) {
    await delay(systemClock, 1_000);
    const own = privateMiB(Deno.pid);
    const groups = kernel.health().units.flatMap(({ pid }) => pid === null ? [] : [memoryOf(pid)]);
    const files = [...Deno.readDirSync("/proc/self/fd")].length;
    taken.push({ total: groups.reduce((sum, each) => sum + each, own), kernel: own, files });
  }
  return taken;
}

/** Nothing when it has ended meanwhile. */
function memoryOf(pid: number): number {
  try {
    return privateMiB(pid);
  } catch {
    // ESRCH or ENOENT: it is gone.
    return 0;
  }
}

function share({ signals = 0, computes = 0 }: Readonly<Record<string, number>>): number {
  return computes === 0 ? 0 : signals / computes;
}
