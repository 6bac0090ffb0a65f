/**
 * Danger: a full disk, a file that cannot be written, or a damaged one ends the daemon, or is not reported.
 * The forms that mount a file system need root; without it the writer's own tests stand for them (max_page_count).
 */
import assert from "node:assert/strict";
import { databaseBusyMaxMs, lockRetryMs } from "../../../src/base/limits.ts";
import { runCli } from "../../../src/cli/app.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { canMount, readOnlyFile, smallDisk } from "../../support/mounts.ts";
import { newRow } from "../../support/store_bench.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const MiB = 1024 ** 2;
const ping = `let n = 0; export const compute = () => ({ n: n++, text: "x".repeat(20_000) });`;
const echo = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: () => Promise.resolve({ content: "said", meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
});`;
/** Waits in its role for a file beside it. */
const patient = `import { defineWorkflow, END } from "nerve";
const there = () => Deno.stat(new URL("./go", import.meta.url)).then(() => true, () => false);
export default defineWorkflow({
  roles: {
    wait: async () => {
      while (!await there()) await new Promise((resolve) => setTimeout(resolve, 10));
      return { content: "waited", meta: {} };
    },
  },
  moderator: ({ messages }) => messages.length === 0 ? "wait" : END,
});`;
/** Waits in its role until it is aborted. */
const endless = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    wait: ({ signal, log }) => new Promise((_, reject) => {
      log("info", "waits");
      signal.addEventListener("abort", () => {
        log("info", "aborted");
        reject(signal.reason);
      });
    }),
  },
  moderator: ({ messages }) => messages.length === 0 ? "wait" : END,
});`;
/** Stores its input in its own database. */
const writer = `export function compute({ sqlite }) {
  sqlite.exec("create table if not exists notes (text)");
  sqlite.prepare("insert into notes values (?)").run("x".repeat(20_000));
  return { ok: true };
}`;

async function nerveRun(workspace: WorkspaceFixture): Promise<{ code: number; err: string }> {
  const io = new CapturedIo({ cwd: workspace.root });
  const code = await runCli(["run", "--for", "1ms"], io);
  return { code, err: io.err };
}

/** Writes nonsense over part of a file that no process has open. */
async function overwrite(path: string, from: number, bytes: number): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(from, Deno.SeekMode.Start);
  await file.write(new Uint8Array(bytes).fill(0xa5));
}

/** A log, closed. */
async function writtenLog(workspace: WorkspaceFixture, rows = 500): Promise<string> {
  const path = workspace.paths.logDatabase, store = openStore(path, new FakeClock());
  for (let n = 0; n < rows; n++) store.log.append(newRow({ payload: { n, text: "x".repeat(200) } }));
  await store.close();
  return path;
}

long.test({
  name: "on a full disk the kernel stays up, reports and counts lost rows, and recovers when there is space again",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({
      senses: { ping, writer, late: writer },
      workflows: { echo, patient, endless },
    });
    using disk = smallDisk(workspace.paths.data, 4 * MiB);
    const kernel = await workspace.start();
    assert.deepEqual([workspace.health().storeError, workspace.health().counters.lost], [null, 0]);
    for (const sense of ["ping", "writer"]) await workspace.payload(sense);
    await kernel.startWorkflow("patient", { runId: "in-flight" });
    await kernel.startWorkflow("endless", { runId: "to-kill" });
    await workspace.log("workflow:endless", /waits/);
    disk.fill();
    // Data that fits into the log's file without a new page may still be written.
    for (let n = 0; workspace.health().storeError === null && n < 1_000; n++) await workspace.trigger("ping");
    const problem = await workspace.problem("kernel", /the log cannot be written: .*full/);
    assert.match(problem.message, /free some disk space; nerve then continues/);
    assert.match(workspace.health().storeError ?? "", /full/);
    const lost = workspace.health().counters.lost ?? 0;
    assert.ok(lost > 0);
    // Nothing is told that is not on disk, and a run cannot be promised; the error says so.
    assert.match((await workspace.failure("ping")).message, /its signal could not be recorded: .*full/);
    assert.match((await workspace.failure("writer")).message, /full/);
    const late = await workspace.failure("late");
    assert.match(late.message, /could not be recorded: .*full/, `it begins now: ${JSON.stringify(late)}`);
    await assert.rejects(kernel.startWorkflow("echo", { runId: "too-early" }), { code: "STORE_FAILED" });
    assert.ok((workspace.health().counters.lost ?? 0) > lost, "what could not be written is counted");
    // What a person ends has ended, whether the disk allows to record it or not.
    await assert.rejects(kernel.api.killRun("to-kill", null), {
      code: "STORE_FAILED",
      message: /^run to-kill was ended/,
    });
    await workspace.log("workflow:endless", /aborted/);
    workspace.write("workflows/patient/go", "");
    await workspace.problem("kernel", /message 1 of run in-flight could not be written; retrying/);
    const problems = workspace.events.filter(({ kind }) => kind === "problem").length;
    for (let n = 0; n < 20; n++) await workspace.failure("ping");
    assert.equal(
      workspace.events.filter(({ kind }) => kind === "problem").length,
      problems,
      "told once, not each time",
    );
    disk.free();
    await workspace.payload("ping");
    await workspace.problem("kernel", /the log can be written again; \d+ changes were lost/);
    assert.equal(workspace.health().storeError, null);
    for (const sense of ["writer", "late"]) await workspace.payload(sense);
    assert.equal(workspace.sense("late").problem, null);
    await kernel.startWorkflow("echo", { runId: "in-time" });
    const ended = (id: string) =>
      workspace.waitFor(
        (event) => event.kind === "run" && event.run.runId === id && event.run.status === "completed",
        `the end of run ${id}`,
      );
    await Promise.all([ended("in-time"), ended("in-flight")]);
    assert.equal((await runEnd(workspace, "to-kill")).exitCode, 137);
    assert.equal(workspace.kernel.api.records.run("too-early"), null);
    assert.equal(workspace.kernel.api.records.messages("in-flight", { limit: 10 }).length, 1);
  },
});

Deno.test({
  name: "a full disk stops an archive run, the next one completes it, and no row is lost",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({});
    using disk = smallDisk(workspace.paths.data, 8 * MiB);
    const clock = new FakeClock(), store = openStore(workspace.paths.logDatabase, clock);
    for (let n = 0; n < 2_000; n++) store.log.append(newRow({ payload: { n, text: "x".repeat(500) } }));
    await clock.tick(24 * 60 * 60 * 1_000);
    store.log.append(newRow());
    await store.log.durable();
    disk.fill();
    const options = { beforeMs: clock.now() };
    await assert.rejects(store.archive(workspace.paths.archive, options), {
      code: "STORE_FAILED",
      message: /archived/,
    });
    assert.equal(store.reader.logs({ limit: 5_000 }).length, 2_001);
    disk.free();
    assert.equal((await store.archive(workspace.paths.archive, options)).rows, 2_000);
    await store.close();
  },
});

long.test({
  name: "a sense whose database cannot be written reports it, and its siblings keep running",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({ senses: { ping, writer } });
    const path = workspace.paths.senseDatabase("writer");
    const db = openDatabase(path);
    db.exec("create table notes (text); pragma journal_mode = delete");
    db.close();
    using _held = readOnlyFile(path);
    await workspace.start();
    assert.match((await workspace.failure("writer")).message, /readonly|read-only/i);
    await workspace.payload("ping");
    assert.equal(workspace.health().storeError, null);
  },
});

Deno.test({
  name: "with a log on a read-only disk nothing starts, and the error says what to do",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({ senses: { ping } });
    using disk = smallDisk(workspace.paths.data, 4 * MiB);
    await writtenLog(workspace);
    await Deno.mkdir(workspace.paths.senseDatabases, { recursive: true });
    await Deno.mkdir(workspace.paths.blobs, { recursive: true });
    disk.readOnly();
    const { code, err } = await nerveRun(workspace);
    assert.equal(code, 1);
    assert.match(err, /logs\.db.*(readonly|read-only|unable to open).*\n.*make the file and its folder writable/i);
  },
});

Deno.test("with a damaged log nothing starts, and the error says how to check and restore it", async () => {
  await using workspace = await makeWorkspace({ senses: { ping } });
  const path = await writtenLog(workspace);
  await overwrite(path, 0, 4_096);
  const { code, err } = await nerveRun(workspace);
  assert.equal(code, 1);
  assert.match(err, /logs\.db.*(malformed|not a database).*\n.*nerve store verify.*nerve store restore/);
});

Deno.test("a damaged page of the log costs only its rows: the kernel starts and runs, and archives nothing", async () => {
  await using workspace = await makeWorkspace({ senses: { ping } });
  const path = await writtenLog(workspace, 3_000);
  // The page that holds this row: an index has no payload.
  const at = new TextDecoder("latin1").decode(await Deno.readFile(path)).indexOf('"n":1500,');
  await overwrite(path, Math.floor(at / 4_096) * 4_096, 4_096);
  const { api: view } = await workspace.start();
  for (let n = 0; n < 3; n++) await workspace.payload("ping");
  assert.equal((await workspace.rows({ type: "sense.signal", order: "desc", limit: 3 })).length, 3);
  assert.throws(() => view.records.logs({ order: "asc", limit: 5_000 }), {
    code: "STORE_FAILED",
    message: /malformed/,
  });
  await assert.rejects(view.archive({ before: "2026-01-02" }), { code: "STORE_FAILED", message: /malformed/ });
  assert.equal(view.records.logs({ order: "asc", limit: 1 })[0]?.id, 1, "no row has left");
  const verified = new CapturedIo({ cwd: workspace.root });
  assert.equal(await runCli(["store", "verify"], verified), 1);
  assert.match(verified.out, /database .*logs\.db: .*\n/);
});

Deno.test("with a log of a newer nerve nothing starts, and the log is left unchanged", async () => {
  await using workspace = await makeWorkspace({ senses: { ping } });
  const path = await writtenLog(workspace), db = openDatabase(path);
  db.exec("pragma user_version = 99");
  db.close();
  const { code, err } = await nerveRun(workspace);
  assert.equal(code, 1);
  assert.match(err, /logs\.db has version 99, but this nerve knows only version \d+\n.*use the newer nerve/);
  const after = openDatabase(path, { readOnly: true });
  assert.equal(after.prepare("select count(*) as rows from logs").get()?.rows, 500);
  after.close();
});

long.test("a sense's database that is damaged, or of newer code, stops that sense only", async () => {
  const files = { "senses/newer/migrations/0001_first.sql": "create table readings (at integer);\n" };
  await using workspace = await makeWorkspace({ senses: { ping, writer, newer: ping }, files });
  await Deno.mkdir(workspace.paths.senseDatabases, { recursive: true });
  await Deno.writeTextFile(workspace.paths.senseDatabase("writer"), "this is no database ".repeat(1_000));
  await workspace.start();
  await workspace.payload("newer");
  await workspace.stop();
  const db = openDatabase(workspace.paths.senseDatabase("newer"));
  db.exec("insert into _migrations values ('0002_second.sql', 'sum', 1)");
  db.close();
  await workspace.start();
  const damaged = await workspace.failure("writer");
  assert.match(damaged.message, /not a database/);
  assert.match(workspace.sense("writer").problem ?? "", /writer\.db cannot be opened/);
  assert.match((await workspace.failure("newer")).message, /0002_second\.sql/);
  await workspace.payload("ping");
  assert.equal(workspace.health().storeError, null);
});

Deno.test("the error of a full log is cleared by the next commit", async () => {
  await using workspace = await makeWorkspace({});
  const lost: number[] = [], clock = new FakeClock();
  const store = openStore(workspace.paths.logDatabase, clock, { onLost: (_, count) => lost.push(count) });
  const other = openDatabase(workspace.paths.logDatabase);
  // A holder of the lock has the same effect as a disk that accepts no writes.
  other.exec("begin immediate");
  store.log.append(newRow());
  const refused = assert.rejects(store.log.durable(), { code: "STORE_FAILED" });
  await clock.tick(databaseBusyMaxMs + lockRetryMs);
  await refused;
  assert.match(store.writeFailure?.message ?? "", /locked/);
  assert.deepEqual([lost, store.counters.lost], [[1], 1]);
  other.exec("rollback");
  other.close();
  store.log.append(newRow());
  await store.log.durable();
  assert.equal(store.writeFailure, null);
  await store.close();
});
