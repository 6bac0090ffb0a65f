/**
 * Computes of one sense that is triggered back to back, of eight groups at once, and the time from one sense's signal
 * to the sense that listens to it.
 * Floor: a line to another process's restricted worker and back, one at a time (floor_echo.ts); for the listener, which
 * may look up the signal in the log, also a commit.
 * Not measured: the work of senses, Drizzle, the control API (triggers come from an embedder). The time to the listener
 * ends when its own signal is back in the kernel, which is one more crossing of the process boundary than the goal
 * asks.
 */
import { systemClock } from "../../src/base/clock.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { figure, type Figures, median, percentile, repeated } from "./figure.ts";
import { bareCommitMs } from "./floor_disk.ts";
import { Echo } from "./floor_echo.ts";

const counting = "let n = 0;\nexport const compute = () => ({ n: ++n });\n";
/** It has nothing to tell, as most computes: what a sense tells is on disk before anybody hears of it. */
const silent = "let n = 0;\nexport const compute = () => ++n < 0 ? n : null;\n";

/** A kernel with senses `s0`, `s1`, ... that count their computes, each in a group of its own; their processes run. */
export async function countingSenses(groups: number, source = silent): Promise<WorkspaceFixture> {
  const names = Array.from({ length: groups }, (_, index) => `s${index}`);
  const workspace = await startWorkspace({ senses: Object.fromEntries(names.map((name) => [name, source])) });
  await Promise.all(names.map((name) => workspace.trigger(name)));
  return workspace;
}

/** Computes per second of all groups when each always has one running and one waiting. */
export async function computeRate({ kernel }: WorkspaceFixture, groups: number, computes: number): Promise<number> {
  const from = systemClock.monotonic();
  await Promise.all(Array.from({ length: groups }, (_, index) => backToBack(kernel, `s${index}`, computes / groups)));
  return computes / (systemClock.monotonic() - from) * 1_000;
}

async function backToBack(kernel: Kernel, sense: string, computes: number): Promise<void> {
  let running = kernel.triggerSense(sense);
  for (let done = 0; done < computes; done++) {
    const next = kernel.triggerSense(sense);
    const { kind } = await running;
    if (kind !== "signal" && kind !== "null") throw new Error(`${sense} ended as ${kind}`);
    running = next;
  }
  await running;
}

/** A kernel with `source`, which signals, and `listener`, which computes on that signal. */
export async function listening(): Promise<WorkspaceFixture> {
  const workspace = await startWorkspace({
    yaml: { senses: { source: {}, listener: {} }, reflexes: [{ sense: "listener", on: ["source"] }] },
    senses: { source: counting, listener: counting },
  });
  await listenerTimes(workspace, 1);
  return workspace;
}

/**
 * Milliseconds from a signal of `source` to the signal that `listener` gives in answer, for each of so many signals.
 */
export async function listenerTimes({ kernel }: WorkspaceFixture, times: number): Promise<number[]> {
  const spans: number[] = [], events = kernel.events();
  let from = 0, requested = 0;
  const ask = () => {
    requested++;
    kernel.triggerSense("source").catch(() => {});
  };
  ask();
  for await (const event of events) {
    if (event.kind !== "signal") continue;
    if (event.signal.sense === "source") from = systemClock.monotonic();
    else {
      spans.push(systemClock.monotonic() - from);
      if (requested >= times) break;
      ask();
    }
  }
  return spans;
}

export async function* figures(): Figures {
  for (
    const [groups, what, source] of [[1, "computes", silent], [8, "computes", silent], [
      8,
      "signals",
      counting,
    ]] as const
  ) {
    await using workspace = await countingSenses(groups, source);
    await using echo = await Echo.start(workspace.root);
    await computeRate(workspace, groups, 2_000);
    const floor = median(await repeated(3, () => echo.rate(5_000)));
    const rates = await repeated(3, () => computeRate(workspace, groups, 8_000));
    yield figure(`${what} back to back, ${groups} group${groups === 1 ? "" : "s"}`, `${what}/s`, rates, floor);
  }
  await using workspace = await listening();
  await using echo = await Echo.start(workspace.root);
  await echo.rate(2_000);
  await listenerTimes(workspace, 500);
  const floor = await echo.times(1_000), commitMs = await bareCommitMs(workspace.root);
  const spans = await repeated(3, () => listenerTimes(workspace, 500));
  for (const percent of [50, 99]) {
    const values = spans.map((of) => percentile(of, percent));
    yield figure(`signal to listener's answer, p${percent}`, "ms", values, percentile(floor, percent) + commitMs);
  }
}
