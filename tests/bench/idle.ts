/**
 * A workspace of 30 senses, each in a group of its own, one compute every 5 minutes, the ticks 10 s apart: the private
 * memory of its processes, once a second, and how late each compute begins whose process has to be started for it. For
 * 90 seconds; with NERVE_BENCH=long for 12 minutes, so that every sense has ticked twice.
 * Floor of the memory: what the kernel alone takes, because between two ticks no group needs a process. Floor of the
 * lateness: a timer of Deno.
 * Then the same with all ticks at the same moment, measured between two of them, when no group's process is alive.
 * Not measured: the lateness of ticks at the same moment, which is the time the machine needs for 30 processes.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, median, percentile } from "./figure.ts";
import { privateMiB, privateMiBOrNone } from "./memory.ts";
import { builtNerve, type Nerve } from "./nerve.ts";
import { latenessOf, timerLateness } from "./timetable.ts";

const senses = 30, intervalMs = 5 * 60_000;
/** The first processes end after 30 s; from then on the number of processes is steady. */
const settledMs = 45_000, spanMs = Deno.env.get("NERVE_BENCH") === "long" ? 12 * 60_000 : 90_000;
const compute = "export const compute = ({ trigger }) => ({ late: Date.now() - trigger.due });\n";

export async function* figures(): Figures {
  await using nerve = await builtNerve();
  yield* apart(nerve);
  yield* together(nerve);
}

/** Without a startup_delay all senses tick at the start, and then every 5 minutes. */
async function* together(nerve: Nerve): Figures {
  await using workspace = await thirtySenses(() => ({}));
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  await delay(systemClock, settledMs);
  const { pid, units } = await daemon.client.health();
  const all = [pid, daemon.supervisorPid, ...units.flatMap((unit) => unit.pid ?? [])];
  const inAll = all.reduce((sum, each) => sum + privateMiBOrNone(each), 0);
  const name = `${senses} senses of 5 min that tick together: memory of all processes between two ticks`;
  yield figure(name, "MiB", [inAll], privateMiB(pid));
}

async function thirtySenses(plan: (index: number) => Record<string, string>): Promise<WorkspaceFixture> {
  const names = Array.from({ length: senses }, (_, index) => `s${index}`);
  return await makeWorkspace({
    yaml: {
      senses: Object.fromEntries(names.map((name, index) => [name, plan(index)])),
      reflexes: names.map((sense) => ({ sense, interval: `${intervalMs}ms` })),
    },
    senses: Object.fromEntries(names.map((name) => [name, compute])),
  });
}

async function* apart(nerve: Nerve): Figures {
  const floor = await timerLateness();
  await using workspace = await thirtySenses((index) => ({ startup_delay: `${index * intervalMs / senses}ms` }));
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  await delay(systemClock, settledMs);
  const from = systemClock.now(), inAll: number[] = [], kernel: number[] = [], alive: number[] = [];
  while (systemClock.now() < from + spanMs) {
    await delay(systemClock, 1_000);
    const { pid, units } = await daemon.client.health();
    const groups = units.flatMap((unit) => unit.pid === null ? [] : [privateMiBOrNone(unit.pid)]);
    kernel.push(privateMiB(pid));
    inAll.push(groups.reduce((sum, each) => sum + each, privateMiB(pid)));
    alive.push(groups.length);
  }
  const late = latenessOf(workspace.paths.logDatabase, from, systemClock.now());
  const name = `${senses} senses of 5 min, a group each`;
  yield figure(`${name}: memory of kernel and groups`, "MiB", inAll, median(kernel));
  yield figure(`${name}: memory of the supervisor`, "MiB", [privateMiB(daemon.supervisorPid)], null);
  yield figure(`${name}: groups that are alive`, "processes", alive, null);
  for (const percent of [50, 99]) {
    yield figure(`${name}: lateness, p${percent}`, "ms", [percentile(late, percent)], percentile(floor, percent));
  }
}
