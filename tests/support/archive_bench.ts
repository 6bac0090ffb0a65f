/** A workspace's log with rows of chosen times, for tests of its archive: rows, runs, and where each is stored. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runCli } from "../../src/cli/app.ts";
import { type WorkspacePaths, workspacePaths } from "../../src/config/workspace.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { listArchivedDays, readLines } from "../../src/store/archive/archive_file.ts";
import { BlobStore } from "../../src/store/blobs/blob_store.ts";
import { StoreReader } from "../../src/store/log/reader.ts";
import { openDatabase } from "../../src/store/sqlite/database.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { CapturedIo } from "./captured_io.ts";
import { FakeClock } from "./fake_clock.ts";
import { newRow, newRun, runRow } from "./store_bench.ts";
import { inTempDir, writeWorkspace } from "./temp_workspace.ts";

export const firstDay = Date.UTC(2026, 0, 1), dayMs = 24 * 60 * 60 * 1_000;

/** The time of `hours` into day number `day`. */
export function at(day: number, hours = 0): number {
  return firstDay + day * dayMs + hours * 60 * 60 * 1_000;
}

/** A wall clock that a test sets; its timers do not matter here. */
export class WallClock extends FakeClock {
  wall = firstDay;

  override now(): number {
    return this.wall;
  }
}

export class ArchiveBench {
  readonly paths: WorkspacePaths;
  readonly clock = new WallClock();
  store: Store;

  constructor(root: string) {
    this.paths = workspacePaths(root);
    this.store = openStore(this.paths.logDatabase, this.clock);
  }

  /** Appends a row of that time; its payload identifies it. */
  append(ts: number, change: Parameters<typeof newRow>[0] = {}): LogRow {
    this.clock.wall = ts;
    return this.store.log.append(newRow({ payload: { ts, text: `line\n"quoted" \u2028 \u0001 ${ts}` }, ...change }));
  }

  async startRun(runId: string, ts: number): Promise<void> {
    // As its process has reported: the archive leaves the rows of runs that are still to be closed.
    await this.store.runs.writeFinally("cleanup", { code: "v1", has: false });
    this.clock.wall = ts;
    await this.store.runs.create(newRun(runId, { queuedAt: ts, startedAt: ts }), runRow(runId));
  }

  async message(runId: string, round: number, ts: number): Promise<void> {
    this.clock.wall = ts;
    const message = { round, role: "scan", content: `round ${round}`, meta: {}, ts };
    assert.ok(await this.store.runs.appendMessage({ runId, workflow: "cleanup", attempt: 1, causeId: null }, message));
  }

  async endRun(runId: string, ts: number): Promise<void> {
    this.clock.wall = ts;
    const change = { status: "completed", exitCode: 0, endedAt: ts } as const;
    assert.ok(
      await this.store.runs.transition(runId, { from: ["started"] }, change, runRow(runId, { type: "run.completed" })),
    );
  }

  archive(beforeMs: number, dryRun = false): ReturnType<Store["archive"]> {
    return this.store.archive(this.paths.archive, { beforeMs, dryRun });
  }

  /** The committed rows of the table, oldest id first. */
  async inTable(): Promise<LogRow[]> {
    await this.store.log.durable();
    return this.store.reader.logs({ order: "asc", limit: 1_000_000 });
  }

  /** The rows of every file, by day. */
  inFiles(): Record<string, LogRow[]> {
    return Object.fromEntries(
      listArchivedDays(this.paths.archive).map((
        { day, path },
      ) => [day, [...readLines(path)].map((line) => JSON.parse(line))]),
    );
  }

  async nerve(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const io = new CapturedIo({ cwd: this.paths.root, clock: this.clock });
    const code = await runCli(argv, io);
    return { code, out: io.out, err: io.err };
  }

  /** Closes the store for commands that need the workspace to themselves. */
  async closed<T>(work: () => Promise<T>): Promise<T> {
    await this.store.close();
    try {
      return await work();
    } finally {
      this.store = openStore(this.paths.logDatabase, this.clock);
    }
  }
}

export function withArchive(test: (bench: ArchiveBench) => Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "retention: 2d\nsenses: {}\nworkflows: { cleanup: {} }\n" });
    const bench = new ArchiveBench(root);
    try {
      await test(bench);
    } finally {
      await bench.store.close();
    }
  });
}

/** Fails unless each row is in exactly one place, or, with `doubles`, at least in one and identical in both. */
export function everyRowOnce(root: string, rows: readonly LogRow[], doubles = false): void {
  const paths = workspacePaths(root), reader = StoreReader.open(paths.logDatabase);
  assert.ok(reader !== null);
  const table = reader.logs({ order: "asc", limit: 1_000_000 });
  reader.close();
  const files = listArchivedDays(paths.archive).flatMap(({ path }) =>
    [...readLines(path)].map((line) => JSON.parse(line))
  );
  const found = new Map<number, LogRow>();
  for (const row of [...table, ...files] as LogRow[]) {
    if (!doubles) assert.ok(!found.has(row.id), `row ${row.id} is in two places`);
    else if (found.has(row.id)) assert.deepEqual(found.get(row.id), row);
    found.set(row.id, row);
  }
  assert.deepEqual([...found.values()].sort((a, b) => a.id - b.id), rows);
}

export async function storeJson(bench: ArchiveBench, ...argv: string[]): Promise<unknown> {
  const { out, err } = await bench.nerve("store", ...argv, "--json");
  assert.equal(err, "");
  return JSON.parse(out);
}

/** Writes a blob that is too old for any pending operation to mention it. */
export async function oldBlob(bench: ArchiveBench, text: string): Promise<string> {
  const digest = await new BlobStore(bench.paths.blobs).write(text), old = (bench.clock.wall - 3 * 86_400_000) / 1_000;
  await Deno.utime(join(bench.paths.blobs, digest.slice(0, 2), digest.slice(2)), old, old);
  return digest;
}

/** A sense's database with one value in it. */
export async function senseWith(bench: ArchiveBench, name: string, value: string | Uint8Array): Promise<string> {
  const path = bench.paths.senseDatabase(name);
  await Deno.mkdir(bench.paths.senseDatabases, { recursive: true });
  const db = openDatabase(path);
  db.exec("create table notes (at integer primary key, note)");
  db.prepare("insert into notes (note) values (?)").run(value);
  db.close();
  return path;
}

/** Overwrites a page in the middle of a database that no process has open. */
export async function damageDatabase(path: string): Promise<void> {
  const db = openDatabase(path);
  db.exec("pragma wal_checkpoint(truncate)");
  db.close();
  using file = await Deno.open(path, { write: true });
  await file.seek(4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(4096).fill(0xa5));
}

export const jsonLines = (out: string) =>
  out.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
