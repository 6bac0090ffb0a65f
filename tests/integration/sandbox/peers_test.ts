/**
 * Reads of other senses' databases beside their writers: what a reader does never keeps a writer from emptying its -wal
 * file, and a reader that may write nothing reads as well.
 */
import assert from "node:assert/strict";
import { sharedWaitMaxMs, walKeptMaxBytes, walReadersMaxBytes } from "../../../src/base/database_limits.ts";
import { DatabaseWatch } from "../../../src/kernel/database_watch.ts";
import type { ProcessSpec } from "../../../src/protocol/message.ts";
import { openPeers, type PeerPorts } from "../../../src/sandbox/peers.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { createDrizzle } from "../../../src/store/sqlite/drizzle.ts";
import { closeSenseDatabase } from "../../../src/store/sqlite/sense_database.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { configOf } from "../../support/parsed_config.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { hasLandlock, WalledReader } from "../../support/walled_reader.ts";
import { within } from "../../support/workspace_fixture.ts";

function readPeer(
  folder: string,
  ports: Partial<PeerPorts> = {},
): { database: NonNullable<unknown> & ReturnType<typeof createDrizzle>; close(): void } {
  const closes: (() => void)[] = [];
  const { a } = openPeers({ senseDatabases: folder } as ProcessSpec, { sense: "b", peers: "all" }, {
    allSenses: () => new Set(["a"]),
    onOpened: (_, close) => void closes.push(close),
    onUnshared: () => assert.fail("nobody restricts this process"),
    limit: { begin() {}, end() {} },
    createDrizzle,
    ...ports,
  });
  assert.ok(a !== undefined);
  return { database: a as ReturnType<typeof createDrizzle>, close: () => closes.forEach((close) => close()) };
}

function openWriter(path: string): ReturnType<typeof openDatabase> {
  const writer = openDatabase(path, { synchronous: "normal" });
  writer.exec("create table if not exists t (x blob) strict");
  return writer;
}

const sizeOf = (path: string) => Deno.statSync(path).size;

Deno.test("no read of a peer leaves a transaction open: its writer empties the -wal file after each", () =>
  inTempDir((folder) => {
    using writer = openWriter(`${folder}/a.db`);
    const { database, close } = readPeer(folder);
    writer.exec("insert into t values (x'00'), (x'01')");
    const reads = [
      () => database.get("select * from t"),
      () => database.all("select * from t"),
      () => database.values("select * from t"),
      () => assert.throws(() => database.all("select json('bad') from t")),
      () => assert.throws(() => database.run("begin"), (thrown: Error) => /not authorized/.test(String(thrown.cause))),
      () => assert.throws(() => database.transaction(() => 1), /one query at a time/),
    ];
    for (const read of reads) {
      read();
      writer.exec("insert into t values (x'02')");
      const { busy } = writer.prepare("pragma wal_checkpoint(truncate)").get() ?? {};
      assert.equal(busy, 0, String(read));
    }
    close();
    return Promise.resolve();
  }));

long.test("a reader waits while a large -wal file grows, gives up, and reads again once its writer has emptied it", () =>
  inTempDir((folder) => {
    const path = `${folder}/a.db`;
    using writer = openWriter(path);
    const { database, close } = readPeer(folder);
    assert.deepEqual(database.values("select count(*) from t"), [[0]]);
    // What another reader would cause that never ends.
    using pin = openDatabase(path, { readOnly: true });
    pin.exec("begin");
    pin.prepare("select count(*) from t").get();
    while (sizeOf(`${path}-wal`) <= walReadersMaxBytes) writer.exec("insert into t values (zeroblob(8000000))");
    // Sooner than this it looks at no file.
    for (const until = performance.now() + 60; performance.now() < until;);
    const began = performance.now();
    assert.throws(
      () => database.values("select count(*) from t"),
      (thrown: Error) => /readers keep it from emptying/.test(`${thrown} ${thrown.cause}`),
    );
    assert.ok(performance.now() - began >= sharedWaitMaxMs * 0.9);
    pin.exec("commit");
    for (let n = 0; n < 3; n++) writer.exec("insert into t values (x'00')");
    assert.ok(sizeOf(`${path}-wal`) <= walKeptMaxBytes, "it is small again as soon as nobody reads");
    assert.ok((database.values("select count(*) from t")[0]?.[0] as number) > 10);
    close();
    return Promise.resolve();
  }));

Deno.test("a process that may write nothing beside a peer's database reads it in each of its states", {
  ignore: !hasLandlock,
}, () =>
  inTempDir(async (folder) => {
    const path = `${folder}/a.db`;
    let asked = 0;
    const watch = new DatabaseWatch({
      clock: new FakeClock(),
      folder,
      current: { config: configOf("senses: { a: {} }\n"), units: [] },
      supervisor: { findProcess: () => null, replaceProcess() {} },
      append() {},
      emit() {},
    });
    const onUnshared = () => {
      asked++;
      watch.onUnshared("a");
    };
    const closed = () => {
      const writer = openWriter(path);
      writer.exec("insert into t values (x'01')");
      closeSenseDatabase(writer);
    };
    closed();
    assert.deepEqual(
      [...Deno.readDirSync(folder)].map(({ name }) => name),
      ["a.db"],
      "its last writer took them along",
    );
    await using reader = new WalledReader(folder, "a");
    const count = () => reader.ask("select count(*) from t", onUnshared);
    assert.equal(await count(), "[[1]]", "nobody has it open");
    assert.equal(asked, 1);
    {
      using writer = openWriter(path);
      writer.exec("insert into t values (x'02')");
      assert.equal(await count(), "[[2]]", "it is read live");
      writer.exec("insert into t values (x'03')");
      assert.equal(await count(), "[[3]]");
      writer.exec("pragma wal_checkpoint(truncate)");
    }
    assert.equal(await count(), "[[3]]", "its writer has closed it");
    closed();
    closed();
    assert.equal(await count(), "[[5]]", "it was written while nobody read");
    for (const end of ["-wal", "-shm"]) await Deno.remove(`${path}${end}`).catch(() => {});
    closed();
    const noticed = async () => {
      while (await count() !== "[[6]]");
    };
    await within(noticed(), "a look at the files, which another program took along");
    assert.match(await reader.ask("insert into t values (x'09')", onUnshared), /not authorized/);
    assert.match(await reader.ask("pragma wal_checkpoint(truncate)", onUnshared), /not authorized/);
  }));

Deno.test("the kernel makes only what is missing beside a database that exists", () =>
  inTempDir((folder) => {
    const watch = new DatabaseWatch({
      clock: new FakeClock(),
      folder,
      current: { config: configOf("senses: { a: {} }\n"), units: [] },
      supervisor: { findProcess: () => null, replaceProcess() {} },
      append() {},
      emit() {},
    });
    watch.onUnshared("none");
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    using writer = openWriter(`${folder}/a.db`);
    writer.exec("insert into t values (x'01')");
    watch.onUnshared("a");
    assert.deepEqual(writer.prepare("select count(*) as n from t").get()?.n, 1);
    assert.ok(sizeOf(`${folder}/a.db-wal`) > 0);
    return Promise.resolve();
  }));
