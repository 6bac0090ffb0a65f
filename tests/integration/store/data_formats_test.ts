/**
 * Data of an older version is migrated to the current format without loss. tests/fixtures holds a small workspace of
 * each released format: data-v1 was written by a daemon of 0.1.0 (two lives five days apart, a sense, two runs, a blob,
 * an archived day; its databases vacuumed into small pages). data-v1-runs is a log of the same format with a run in every
 * state that it knew, each of them with its rows.
 */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { workflowThreadOutput } from "../../../src/cli/render/json_schemas.ts";
import { storeVerifyOutput } from "../../../src/cli/render/store_schemas.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { openDatabase, readUserVersion } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

const states = ["queued", "started", "completed", "failed", "killed", "crashed", "interrupted", "dropped"] as const;

const formats = [{ name: "data-v1", version: 1 }];

/** The tables, indexes and triggers of a log, by their SQL. */
function schemaOf(path: string): unknown[] {
  const db = openDatabase(path, { readOnly: true });
  const schema = db.prepare("select type, name, sql from sqlite_schema order by type, name").all();
  db.close();
  return schema.map((row) => ({ ...row }));
}

for (const { name, version } of formats) {
  Deno.test(`a workspace of format ${name} works under this version: rows, runs, readings, blobs and archive`, async () => {
    await using workspace = await makeWorkspace({});
    const { root, paths } = workspace;
    await cp(join(repository, "tests/fixtures", name), root, { recursive: true });
    const old = openDatabase(paths.logDatabase, { readOnly: true });
    assert.equal(readUserVersion(old), version);
    old.close();
    const nerve = async (...argv: string[]) => {
      const io = new CapturedIo({ cwd: root }), code = await runCli(argv, io);
      assert.deepEqual([code, io.err], [0, ""]);
      return io.out;
    };
    // Before any migration: commands read it as it is.
    const before = (await nerve("events", "--archived", "--json")).trim().split("\n").map((line): LogRow =>
      JSON.parse(line)
    );
    assert.deepEqual([before.length, before[0]?.type, before.at(-1)?.type], [24, "kernel.started", "kernel.stopped"]);
    await workspace.start();
    assert.deepEqual(await workspace.payload("ping"), {
      image: "b571a0f561cc139f8f5d94951aaf92890270e19251afea3996396f9acda2fd34",
      used: 0.5,
    });
    await workspace.kernel.startWorkflow("echo", { runId: "echo-3" });
    await workspace.run("completed");
    await workspace.stop();
    const now = openDatabase(paths.logDatabase, { readOnly: true });
    assert.equal(readUserVersion(now), logMigrations.length);
    now.close();
    const after = (await nerve("events", "--archived", "--json")).trim().split("\n").map((line): LogRow =>
      JSON.parse(line)
    );
    assert.deepEqual(after.slice(0, before.length), before);
    const ids = after.map(({ id }) => id);
    assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b), "no id was given twice");
    for (const run of ["echo-1", "echo-2", "echo-3"]) {
      const thread = workflowThreadOutput.parse(JSON.parse(await nerve("workflow", "thread", run, "--json")));
      assert.deepEqual(thread.messages.map(({ content }) => content), ["round 1", "round 2"]);
    }
    assert.match(
      await nerve("sense", "query", "ping", "select count(*) as n from readings", "--format", "csv"),
      /n\r?\n3/,
    );
    assert.ok(storeVerifyOutput.parse(JSON.parse(await nerve("store", "verify", "--json"))).ok);
  });

  Deno.test(`a migrated log of format ${name} has the tables of a new one`, () =>
    inTempDir(async (root) => {
      const fresh = join(root, "fresh.db"), migrated = join(root, "logs.db");
      await openStore(fresh, new FakeClock()).close();
      await Deno.copyFile(join(repository, "tests/fixtures", name, "data/logs.db"), migrated);
      await openStore(migrated, new FakeClock()).close();
      assert.deepEqual(schemaOf(migrated), schemaOf(fresh));
    }));
}

Deno.test("runs of every state of format data-v1: those that ended stay as they are, the others go on", async () => {
  const text = (path: string) => Deno.readTextFileSync(join(repository, "tests/fixtures/data-v1", path));
  const path = "workflows/echo/index.ts";
  await using workspace = await makeWorkspace({ yaml: { workflows: { echo: {} } }, files: { [path]: text(path) } });
  await cp(join(repository, "tests/fixtures/data-v1-runs"), workspace.root, { recursive: true });
  const read = () => {
    const db = openDatabase(workspace.paths.logDatabase, { readOnly: true });
    const rows = db.prepare("select run_id, * from workflow_runs").all().map((row) => ({ ...row }));
    db.close();
    return new Map(rows.map((row) => [String(row.run_id), row]));
  };
  const before = read();
  assert.deepEqual([...before.keys()].sort(), [...states].sort());
  for (const [state, row] of before) assert.equal(row.status, state);
  await workspace.start();
  for (const id of ["started", "queued"]) assert.equal((await runEnd(workspace, id)).status, "completed", id);
  const messages = workspace.kernel.api.records.messages("started", {});
  assert.deepEqual(messages.map(({ content }) => content), ["round 1", "round 2"]);
  await workspace.stop();
  const after = read();
  for (const state of states.slice(2)) assert.deepEqual(after.get(state), before.get(state));
  const io = new CapturedIo({ cwd: workspace.root }), code = await runCli(["store", "verify", "--json"], io);
  assert.ok(code === 0 && storeVerifyOutput.parse(JSON.parse(io.out)).ok, io.out);
});
