/**
 * Other programs read the databases while a daemon writes them. Danger: the reader takes itself for the last one, and
 * removes the -wal file under the daemon, which writes on into a file without a name and loses it all at its end.
 */
import assert from "node:assert/strict";
import { identifyFile, readInode } from "../../../src/base/file_identity.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { long } from "../../support/long_form.ts";
import { steps } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";
import { Daemon } from "../../support/mortal_daemon.ts";

const counter = `
export function compute({ sqlite }) {
  sqlite.exec("create table if not exists counts (n integer)");
  sqlite.exec("insert into counts values (1)");
  return { n: sqlite.prepare("select count(*) as n from counts").get().n };
}
`;
const echo = steps(`say: () => ({ content: "said", meta: {} })`);

/** Each reader comes and goes so often. */
const rounds = 6;

/** Ways to read a database and go, as people have them; those that this machine lacks are left out. */
const readers: readonly { readonly program: string; readonly args: (path: string, table: string) => string[] }[] = [
  {
    program: "python3",
    args: (path, table) => [
      "-c",
      `import sqlite3, sys\nc = sqlite3.connect(${JSON.stringify(path)}, timeout=10)\n` +
      `print(c.execute("select count(*) from ${table}").fetchone()[0])\nc.close()`,
    ],
  },
  { program: "sqlite3", args: (path, table) => ["-cmd", ".timeout 10000", path, `select count(*) from ${table}`] },
  {
    program: Deno.execPath(),
    args: (path, table) => [
      "eval",
      "--quiet",
      // This repository's configuration closes node:sqlite.
      "--no-config",
      `import { DatabaseSync } from "node:sqlite"; const db = new DatabaseSync(${
        JSON.stringify(path)
      }, { timeout: 10000 });` +
      `console.log(db.prepare("select count(*) as n from ${table}").get().n); db.close();`,
    ],
  },
];

async function isThere(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Reads a database over and over, each time in a program of its own. */
async function readOn(path: string, table: string): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const { program, args } of present) {
      const { code, stdout, stderr } = await new Deno.Command(program, { args: args(path, table) }).output();
      assert.equal(code, 0, `${program}: ${new TextDecoder().decode(stderr)}`);
      assert.match(new TextDecoder().decode(stdout), /^\d+\n$/);
    }
  }
}

const present: typeof readers[number][] = [];
for (const reader of readers) if (await isThere(reader.program)) present.push(reader);

/** Whether the process holds a lock on the file, as the system tells it: `1: POSIX ADVISORY READ 123 fe:00:456 ...`. */
function holdsLock(pid: number, path: string): boolean {
  const inode = readInode(path);
  return Deno.readTextFileSync("/proc/locks").split("\n").some((line) => {
    const [, , , , holder, file = ""] = line.split(/\s+/);
    return Number(holder) === pid && Number(file.split(":")[2]) === inode;
  });
}

/** What the process has open below the folder, as the system names it. */
function openFiles(pid: number, folder: string): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      return target.startsWith(folder) ? [target] : [];
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return [];
      throw thrown;
    }
  });
}

long.test("readers in a loop cost the log and a sense's database nothing, also not when the daemon is killed -9", async () => {
  assert.ok(present.length > 0);
  await using workspace = await makeWorkspace({
    senses: { counter },
    workflows: { echo },
    yaml: {
      senses: { counter: { keep_alive: true } },
      reflexes: [{ sense: "counter", interval: "50ms" }],
      workflows: { echo: { concurrency: 50, overflow: "queue", max_queue: 10_000 } },
    },
  });
  const { paths } = workspace, accepted: string[] = [], sense = paths.senseDatabase("counter");
  const daemon = await Daemon.start(paths);
  await daemon.client.triggerSense("counter", true);
  let over = false;
  const load = Array.from({ length: 4 }, async () => {
    while (!over) accepted.push((await daemon.client.startRun("echo", {})).runId);
  });
  const reading = Promise.all([readOn(paths.logDatabase, "logs"), readOn(sense, "counts")]).finally(() => over = true);
  const watching = (async () => {
    while (!over) {
      // The system's list is not read at one moment: while others lock and unlock, an entry may be missing once.
      let holds = false;
      for (let look = 0; look < 50 && !holds; look++) holds = holdsLock(daemon.pid, paths.logDatabase);
      assert.ok(holds, "the kernel holds its lock on the log");
      await daemon.client.health();
    }
  })();
  await within(Promise.all([reading, watching, ...load]), "readers and load", () => daemon.output);
  assert.deepEqual(openFiles(daemon.pid, paths.data).filter((path) => path.endsWith("(deleted)")), []);
  assert.ok(identifyFile(`${paths.logDatabase}-wal`) !== null);
  const { counters } = await daemon.client.health();
  // Signals are counted before their rows are on disk; this run is answered after its own, and theirs stand before it.
  accepted.push((await daemon.client.startRun("echo", {})).runId);
  await daemon.kill();

  const reader = StoreReader.open(paths.logDatabase);
  assert.ok(reader !== null);
  assert.equal(reader.runs({ limit: 1, offset: 0 }).total, accepted.length);
  const signals = reader.logs({ type: "sense.signal", limit: 100_000 }).length;
  assert.ok(signals >= Number(counters.signals), `${signals} of ${counters.signals} signals`);
  reader.close();
});
