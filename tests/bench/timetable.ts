/**
 * 1,000 senses in 20 groups, one compute per second each, for some seconds: lateness of the computes, lost ticks, and
 * how much of one core and of memory all processes take. The senses begin at different moments of the second
 * (`startup_delay`): if all began at the same moment, lateness would be the time the machine needs for 1,000 computes.
 * Floor of the lateness: a timer of Deno that is due each millisecond in a process that does nothing else.
 * Not measured: the work of senses. The supervisor writes a line of the text log for each signal, in a process of its
 * own.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { makeWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures, percentile } from "./figure.ts";
import { builtNerve } from "./nerve.ts";

const senses = 1_000, groups = 20, spanMs = 6_000;
const compute = "export const compute = ({ trigger }) => ({ late: Date.now() - trigger.due });\n";

export async function* figures(): Figures {
  const floor = await timerLateness();
  await using workspace = await thousandSenses();
  await using nerve = await builtNerve();
  await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
  while ((await daemon.client.senses()).some(({ counters }) => counters.computes === 0)) {
    await delay(systemClock, 500);
  }
  await delay(systemClock, 2_000);
  const { counters } = await daemon.client.health(), from = systemClock.now(), cpuMs = await daemon.cpuMs();
  const skipped = counters.coalesced ?? 0;
  await delay(systemClock, spanMs);
  const cpu = (await daemon.cpuMs() - cpuMs) / spanMs * 100, until = systemClock.now();
  const coalesced = ((await daemon.client.health()).counters.coalesced ?? 0) - skipped;
  const lateness = latenessOf(workspace.paths.logDatabase, from, until);
  const expected = senses * spanMs / 1_000;
  const name = `${senses} senses in ${groups} groups, one compute a second each`;
  for (const percent of [50, 99]) {
    const late = percentile(lateness, percent);
    yield figure(`${name}: lateness, p${percent}`, "ms", [late], percentile(floor, percent));
  }
  const lost = coalesced + Math.max(0, expected - lateness.length - senses / 100);
  yield figure(`${name}: ticks lost`, "%", [lost / expected * 100], null);
  yield figure(`${name}: of one core, all processes`, "%", [cpu], null);
  yield figure(`${name}: private memory of all processes`, "MiB", [await daemon.privateMiB()], null);
}

export async function thousandSenses(): Promise<WorkspaceFixture> {
  const names = Array.from({ length: senses }, (_, index) => `s${index}`);
  const plan = (index: number) => ({ group: `g${index % groups}`, startup_delay: `${(index * 7) % 1_000}ms` });
  return await makeWorkspace({
    yaml: {
      senses: Object.fromEntries(names.map((name, index) => [name, plan(index)])),
      reflexes: names.map((sense) => ({ sense, interval: "1s" })),
    },
    senses: Object.fromEntries(names.map((name) => [name, compute])),
  });
}

/** By how many milliseconds each compute of that period began too late, as the senses themselves saw it. */
export function latenessOf(log: string, from: number, until: number): number[] {
  using db = openDatabase(log, { readOnly: true });
  const rows = db.prepare(
    "select json_extract(payload, '$.payload.late') as late from logs" +
      " where type = 'sense.signal' and ts between ? and ?",
  ).all(from, until);
  return rows.map(({ late }) => Number(late));
}

export async function timerLateness(): Promise<number[]> {
  const from = systemClock.monotonic(), late: number[] = [];
  for (let due = 1; due <= 1_000; due++) {
    const leftMs = from + due - systemClock.monotonic();
    if (leftMs > 0) await delay(systemClock, leftMs);
    late.push(systemClock.monotonic() - from - due);
  }
  return late;
}
