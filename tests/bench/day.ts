/**
 * 24 hours of a timetable in a hundredth of the time: 10 senses, each in a group of its own, one compute every 5
 * minutes (so every 3 s), whose processes end and start again between two ticks. One hour of it by default; with
 * NERVE_BENCH=long the whole day, in 15 minutes. Measures the kernel's growth from the first quarter to the last:
 * private memory, open files, files and bytes on disk apart from the log, and bytes of the log per row.
 * The clock runs 25 times as fast and the intervals are a quarter as long: at 100 times the speed the limits on starts
 * and heartbeats would be shorter than the time a process really needs.
 * Not measured: the printing of the foreground and the control API (the kernel is embedded here), archive and
 * housekeeping.
 */
import { systemClock } from "../../src/base/clock.ts";
import { smallHeap } from "../../src/base/self_exec.ts";
import { type Clock, delay } from "../../src/base/time.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { fromFileUrl } from "../support/paths.ts";
import { startWorkspace, type WorkspaceFixture } from "../support/workspace_fixture.ts";
import { type Figure, figure, type Figures, median } from "./figure.ts";
import { privateMiB } from "./memory.ts";

const speed = 25, senses = 10, intervalMs = 75_000;
const hours = Deno.env.get("NERVE_BENCH") === "long" ? 24 : 1;
const spanMs = hours * 3_600_000 / 100;

/** Monotonic time and wall time, both running so many times as fast. */
function scaledClock(factor: number): Clock {
  const wall = systemClock.now(), start = systemClock.monotonic();
  const monotonic = () => start + (systemClock.monotonic() - start) * factor;
  // Whole milliseconds, like the times in the log.
  const now = () => Math.round(wall + (systemClock.monotonic() - start) * factor);
  return {
    now,
    monotonic,
    boot: () => null,
    after: (ms, fire) => systemClock.after(ms / factor, fire),
    at: (due, fire) => systemClock.after((due - now()) / factor, fire),
    onSet: () => () => {},
  };
}

interface Sample {
  readonly memory: number;
  readonly openFiles: number;
  readonly files: number;
  readonly otherBytes: number;
  readonly logBytes: number;
  readonly rows: number;
  readonly started: number;
  readonly died: number;
}

/** In a process of its own, with the V8 flags of a daemon's kernel. */
export async function* figures(): Figures {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", fromFileUrl(import.meta.url)],
    env: { DENO_V8_FLAGS: smallHeap.join(",") },
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`the day ended with code ${code}`);
  for (const line of new TextDecoder().decode(stdout).trimEnd().split("\n")) yield JSON.parse(line) as Figure;
}

async function* ownFigures(): Figures {
  const names = Array.from({ length: senses }, (_, index) => `s${index}`);
  const spread = (index: number) => ({ startup_delay: `${index * intervalMs / senses}ms`, timeout: "10m" });
  await using workspace = await startWorkspace({
    clock: scaledClock(speed),
    yaml: {
      senses: Object.fromEntries(names.map((name, index) => [name, spread(index)])),
      reflexes: names.map((sense) => ({ sense, interval: `${intervalMs}ms` })),
    },
    senses: Object.fromEntries(names.map((name) => [name, "export const compute = () => ({ ok: true });\n"])),
  });
  const taken: Sample[] = [], until = systemClock.monotonic() + spanMs;
  while (systemClock.monotonic() < until) {
    await delay(systemClock, spanMs / 40);
    taken.push(sample(workspace));
    // The events that the fixture has collected are not part of the kernel.
    workspace.events.length = 0;
  }
  const first = taken.slice(10, 20), last = taken.slice(-10), name = `${hours} h of ${senses} senses of 5 min`;
  const gained = (of: (sample: Sample) => number) => median(last.map(of)) - median(first.map(of));
  const { counters } = workspace.health();
  const perRow = ({ logBytes, rows }: Sample) => logBytes / rows / 1_024;
  const [end] = taken.slice(-1);
  yield figure(`${name}: processes started`, "processes", [end?.started ?? 0], null);
  yield figure(`${name}: processes that died`, "processes", [end?.died ?? 0], null);
  yield figure(`${name}: computes`, "computes", [counters.computes ?? 0], hours * 12 * senses);
  yield figure(`${name}: rows lost`, "rows", [counters.lost ?? 0], null);
  yield figure(`${name}: growth of the kernel`, "MiB", [gained(({ memory }) => memory)], null);
  yield figure(`${name}: growth in open files`, "files", [gained(({ openFiles }) => openFiles)], null);
  yield figure(`${name}: growth in files on disk`, "files", [gained(({ files }) => files)], null);
  yield figure(`${name}: growth on disk beyond the log`, "KiB", [gained(({ otherBytes }) => otherBytes / 1_024)], null);
  yield figure(`${name}: the log, a row`, "KiB", [median(last.map(perRow))], median(first.map(perRow)));
}

function sample({ paths }: WorkspaceFixture): Sample {
  using log = openDatabase(paths.logDatabase, { readOnly: true });
  const count = (where: string) => Number(log.prepare(`select count(*) as n from logs where ${where}`).get()?.n);
  const files = [...filesBelow(paths.root)], others = files.filter(([path]) => !path.startsWith(paths.logDatabase));
  return {
    memory: privateMiB(Deno.pid),
    openFiles: [...Deno.readDirSync("/proc/self/fd")].length,
    files: files.length,
    otherBytes: others.reduce((sum, [, size]) => sum + size, 0),
    // Including its write-ahead log.
    logBytes: Number(
      log.prepare("select page_count * page_size as n from pragma_page_count, pragma_page_size").get()?.n,
    ),
    rows: count("true"),
    started: count("type = 'group.ready'"),
    died: count("type = 'group.died'"),
  };
}

function* filesBelow(folder: string): Generator<[path: string, bytes: number]> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(path);
    else if (isFile) yield [path, sizeOf(path)];
  }
}

/** Zero for a file that SQLite has removed since, because a process closed its database. */
function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

if (import.meta.main) {
  for await (const each of ownFigures()) Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(each)}\n`));
  Deno.exit(0);
}
