/**
 * Danger: on a full disk nobody hears that it is full, and nothing can be done about it. The reserve is space for that.
 * The forms that mount a file system need root.
 */
import assert from "node:assert/strict";
import { reserveBytes, reserveCheckMs, reserveFirstMs, reserveSliceBytes } from "../../../src/base/database_limits.ts";
import { DiskReserve } from "../../../src/kernel/disk_reserve.ts";
import { Reserve } from "../../../src/store/commit/reserve.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { newRow } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

const MiB = 1024 ** 2;
/** Stores a large row and tells how many it has. */
const measure = `export function compute({ sqlite }) {
  sqlite.exec("create table if not exists notes (text)");
  sqlite.prepare("insert into notes values (?)").run("x".repeat(20_000));
  return { rows: sqlite.prepare("select count(*) as n from notes").get().n };
}`;
const ear = `export const compute = ({ trigger }) => ({ heard: trigger.signal?.payload ?? null });`;
const tidy = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { tidy: () => ({ content: "tidied", meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "tidy" : END,
});`;
const never = new AbortController().signal;

long.test({
  name: "on a full disk signals are recorded and heard, and a run does its work, also of processes that begin then",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({
      senses: { measure, late: measure, ear },
      workflows: { tidy },
      yaml: {
        senses: { measure: {}, late: {}, ear: {} },
        workflows: { tidy: {} },
        reflexes: [{ sense: "ear", on: ["measure"] }],
      },
    });
    using disk = smallDisk(workspace.paths.data, 40 * MiB);
    assert.ok(await new Reserve(`${workspace.paths.data}/reserve`).fill(never));
    await workspace.start();
    assert.deepEqual(await workspace.payload("late"), { rows: 1 });
    await workspace.stop();
    const kernel = await workspace.start();
    assert.deepEqual(await workspace.payload("measure"), { rows: 1 });
    disk.fill();
    assert.notEqual(await workspace.payload("measure"), null, "it is told, whether it could be stored or not");
    await workspace.signal("ear");
    assert.deepEqual(await workspace.payload("late"), { rows: 2 }, "its process begins just now");
    await workspace.problem("kernel", /the disk is full: the log uses its reserve/);
    await kernel.startWorkflow("tidy", { runId: "run-1" });
    await workspace.waitFor(
      (event) => event.kind === "run" && event.run.runId === "run-1" && event.run.status === "completed",
      "the run",
    );
    assert.deepEqual([workspace.health().storeError, workspace.health().counters.lost], [null, 0]);
  },
});

Deno.test({
  name: "the log gives its reserve back slice by slice, and then loses rows as before; it opens on a full disk, too",
  ignore: !canMount,
  async fn() {
    await using workspace = await makeWorkspace({});
    using disk = smallDisk(workspace.paths.data, 24 * MiB);
    const reserve = new Reserve(`${workspace.paths.data}/reserve`), path = workspace.paths.logDatabase;
    assert.ok(await reserve.fill(never));
    const lost: number[] = [], options = { reserve, onLost: (_: Error, count: number) => lost.push(count) };
    await openStore(path, new FakeClock(), options).close();
    disk.fill();
    const store = openStore(path, new FakeClock(), options);
    assert.equal(reserve.bytes, reserveBytes - reserveSliceBytes, "opening takes one slice");
    const sizes = new Set<number>();
    while (lost.length === 0) {
      for (let n = 0; n < 20; n++) store.log.append(newRow({ payload: { text: "x".repeat(20_000) } }));
      await store.log.durable().catch(() => {});
      sizes.add(reserve.bytes);
    }
    assert.equal(reserve.bytes, 0);
    assert.ok(sizes.size > 3, `it went by ${[...sizes]}`);
    const rows = store.reader.logs({ limit: 5_000 });
    assert.ok(rows.length >= 100, `${rows.length} rows found space`);
    await store.close();
  },
});

Deno.test({
  name: "the reserve is filled when there is space for twice as much, and again when it was used",
  ignore: !canMount,
  async fn() {
    const folder = Deno.makeTempDirSync(), clock = new FakeClock(), told: string[] = [];
    using disk = smallDisk(folder, 20 * MiB);
    const reserve = new DiskReserve(`${folder}/reserve`, clock, (message) => told.push(message));
    const size = () => Deno.statSync(`${folder}/reserve`).size;
    disk.fill();
    reserve.start();
    await clock.tick(reserveFirstMs);
    await reserve.stop();
    assert.throws(size, Deno.errors.NotFound);
    disk.free();
    const second = new DiskReserve(`${folder}/reserve`, clock, (message) => told.push(message));
    second.start();
    await clock.tick(reserveFirstMs);
    await second.filled();
    assert.equal(size(), reserveBytes);
    assert.equal(Deno.statSync(`${folder}/reserve`).mode! & 0o777, 0o600);
    assert.ok(second.give() && second.give());
    assert.equal(size(), reserveBytes - 2 * reserveSliceBytes);
    assert.deepEqual(told.length, 1, "told once");
    await clock.tick(reserveCheckMs);
    await second.filled();
    assert.equal(size(), reserveBytes);
    assert.match(told[1] ?? "", /whole again/);
    await second.stop();
  },
});

Deno.test("a link or a pipe in the place of the reserve is neither filled nor cut short", () =>
  inTempDir(async (root) => {
    const path = `${root}/reserve`, precious = `${root}/precious`;
    Deno.writeTextFileSync(precious, "mine");
    Deno.symlinkSync(precious, path);
    const reserve = new Reserve(path), signal = never;
    await assert.rejects(reserve.fill(signal), /it is not a regular file/);
    assert.equal(reserve.give(), false);
    assert.equal(Deno.readTextFileSync(precious), "mine");
    Deno.removeSync(path);
    assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
    await assert.rejects(reserve.fill(signal), /it is not a regular file/);
  }));
