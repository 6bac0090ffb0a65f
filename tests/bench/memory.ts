/**
 * Private memory (what would be free if the process were gone) of an idle daemon's kernel and of idle groups, 12 s
 * after their last work.
 * Floor: Deno with an empty program; for the group, with one restricted worker that does nothing (floor_echo.ts).
 * Not measured: memory that processes share (the executable's own pages), the memory needs of senses.
 */
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { BackgroundDaemon } from "./daemon.ts";
import { figure, type Figures } from "./figure.ts";
import { Echo } from "./floor_echo.ts";
import { builtNerve } from "./nerve.ts";

const MiB = 1024;
/**
 * After this time a process is idle: V8 gives back spare memory 2 s after the last work. It is longer than an idle
 * connection to the control API lives, so that ours is not closed in the moment in which it is used.
 */
const idleMs = 12_000;

/** Private memory of a process in MiB: dirty and clean pages that no other process shares. */
export function privateMiB(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)].map(([, size]) => Number(size));
  return kib.reduce((sum, size) => sum + size, 0) / MiB;
}

/** The same, or 0 when the process has ended meanwhile. */
export function privateMiBOrNone(pid: number): number {
  try {
    return privateMiB(pid);
  } catch {
    // ESRCH or ENOENT: the process is gone.
    return 0;
  }
}

export async function* figures(): Figures {
  const empty = new Deno.Command(Deno.execPath(), { args: ["eval", "setTimeout(() => {}, 60_000)"] }).spawn();
  const names = (kind: string) => [0, 1, 2].map((index) => `${kind}${index}`);
  const idle = names("idle"), drizzle = names("drizzle"), all = [...idle, ...drizzle];
  await using workspace = await makeWorkspace({
    yaml: { senses: Object.fromEntries(all.map((name) => [name, { keep_alive: true }])) },
    senses: Object.fromEntries(all.map((name) => [name, idle.includes(name) ? withNothing : withDrizzle])),
  });
  await using echo = await Echo.start(workspace.root);
  try {
    await using nerve = await builtNerve();
    await using daemon = await BackgroundDaemon.start(workspace.paths, nerve);
    for (const name of all) await daemon.client.triggerSense(name, true);
    await delay(systemClock, idleMs);
    const { pid, units } = await daemon.client.health();
    const groups = (names: string[]) =>
      units.filter((unit) => names.includes(unit.name)).map((unit) => privateMiB(unit.pid ?? 0));
    yield figure("private memory of the kernel", "MiB", [privateMiB(pid)], privateMiB(empty.pid));
    yield figure("private memory of the supervisor", "MiB", [privateMiB(daemon.supervisorPid)], privateMiB(empty.pid));
    yield figure("private memory of a group", "MiB", groups(idle), privateMiB(echo.pid));
    yield figure("private memory of a group that uses Drizzle", "MiB", groups(drizzle), privateMiB(echo.pid));
  } finally {
    empty.kill("SIGKILL");
    await empty.status;
  }
}

const withNothing = "export const compute = () => ({ ok: true });\n";
const withDrizzle = `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
const t = sqliteTable("t", { n: integer("n") });
export const compute = ({ db, sqlite }) => {
  sqlite.exec("create table if not exists t (n integer)");
  db.insert(t).values({ n: 1 }).run();
  return { rows: db.select().from(t).all().length };
};
`;
