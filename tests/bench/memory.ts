/**
 * Private memory (what would be free if the process were gone) of an idle daemon's kernel and of an idle group.
 * Floor: Deno with an empty program; for the group, with one restricted worker that does nothing (floor_echo.ts).
 * Not measured: memory that processes share (the executable's own pages), what senses themselves need.
 */
import { figure, type Figures } from "./figure.ts";
import { Echo } from "./floor_echo.ts";
import { delay, systemClock } from "../../src/base/clock.ts";
import { makeWorkspace } from "../support/workspace_fixture.ts";
import { Daemon } from "../support/mortal_daemon.ts";

const MiB = 1024;

/** Private memory of a process in MiB: dirty and clean pages that nobody else has. */
export function privateMiB(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const kib = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)].map(([, size]) => Number(size));
  return kib.reduce((sum, size) => sum + size, 0) / MiB;
}

export async function* figures(): Figures {
  const empty = new Deno.Command(Deno.execPath(), { args: ["eval", "setTimeout(() => {}, 60_000)"] }).spawn();
  const senses = { idle: "export const compute = () => ({ ok: true });\n", drizzle: withDrizzle };
  await using workspace = await makeWorkspace({ senses });
  await using echo = await Echo.start(workspace.root);
  const daemon = await Daemon.start(workspace.paths);
  try {
    for (const name of ["idle", "drizzle"]) await daemon.client.triggerSense(name, true);
    await delay(systemClock, 3_000);
    const { pid, units } = await daemon.client.health();
    const group = (name: string) => units.find((unit) => unit.name === name)?.pid ?? 0;
    yield figure("private memory of the kernel", "MiB", [privateMiB(pid)], privateMiB(empty.pid));
    yield figure("private memory of a group", "MiB", [privateMiB(group("idle"))], privateMiB(echo.pid));
    yield figure(
      "private memory of a group that uses Drizzle",
      "MiB",
      [privateMiB(group("drizzle"))],
      privateMiB(echo.pid),
    );
  } finally {
    await daemon.stop();
    empty.kill("SIGKILL");
    await empty.status;
  }
}

const withDrizzle = `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
const t = sqliteTable("t", { n: integer("n") });
export const compute = ({ db, sqlite }) => {
  sqlite.exec("create table if not exists t (n integer)");
  db.insert(t).values({ n: 1 }).run();
  return { rows: db.select().from(t).all().length };
};
`;
