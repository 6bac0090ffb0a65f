/**
 * A workspace in which nothing has happened yet, which is not damaged: commands that read it print nothing, exit with 0
 * and name the next step; a name or an id that does not exist is still an error.
 */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import * as outputs from "../../../src/cli/render/json_schemas.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const nerveYaml = "senses: { quiet: {} }\nworkflows: { cleanup: { concurrency: 2 } }\n";

type Nerve = (...argv: string[]) => Promise<{ code: number; out: string; err: string }>;

async function fresh(test: (nerve: Nerve) => Promise<void>): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": nerveYaml });
    await test(async (...argv) => {
      const io = new CapturedIo({ cwd: root });
      return { code: await runCli(argv, io), out: io.out, err: io.err };
    });
  });
}

Deno.test("in a new workspace lists are empty and name the next step", async () => {
  await fresh(async (nerve) => {
    const first = "👉 its first compute creates its database: nerve start, nerve sense trigger quiet --wait\n";
    const shown: [string[], string][] = [
      [["events"], "0 rows\n👉 nothing has happened here yet: nerve start\n"],
      [["events", "--archived"], "0 rows\n👉 nothing has happened here yet: nerve start\n"],
      [
        ["why", "--sense", "quiet"],
        "0 reasons why quiet gave no signal\n👉 nothing has happened here yet: nerve start\n",
      ],
      [["sense", "query", "quiet"], `0 rows\n${first}`],
      [["sense", "query", "quiet", "--format", "csv"], ""],
      [["sense", "schema", "quiet"], `0 tables\n${first}`],
    ];
    for (const [argv, out] of shown) assert.deepEqual(await nerve(...argv), { code: 0, out, err: "" }, argv.join(" "));
    const list = await nerve("workflow", "list");
    assert.equal(list.code, 0);
    assert.match(list.out, /cleanup +0 of 2 +0 +0 +queue\nno daemon runs: nerve start\n\nno unfinished runs\n/);
    assert.equal((await nerve("sense", "list")).code, 0);
  });
});

Deno.test("in a new workspace --json prints empty documents", async () => {
  await fresh(async (nerve) => {
    const json = async (...argv: string[]) => {
      const { code, out, err } = await nerve(...argv, "--json");
      assert.deepEqual([code, err], [0, ""], argv.join(" "));
      return out;
    };
    assert.equal(await json("events"), "");
    assert.equal(await json("logs"), "");
    const why = outputs.whyNotOutput.parse(JSON.parse(await json("why", "--sense", "quiet")));
    assert.deepEqual(why, { sense: "quiet", items: [], more: false, now: null, problem: null });
    assert.deepEqual(outputs.senseQueryOutput.parse(JSON.parse(await json("sense", "query", "quiet"))), []);
    const schema = outputs.senseSchemaOutput.parse(JSON.parse(await json("sense", "schema", "quiet")));
    assert.deepEqual(schema, { sense: "quiet", tables: [] });
    assert.equal(outputs.workflowListOutput.parse(JSON.parse(await json("workflow", "list", "--all"))).runs.total, 0);
  });
});

Deno.test("in a new workspace an unknown name is an error with its own code and a hint", async () => {
  await fresh(async (nerve) => {
    const refused: [string[], string][] = [
      [["workflow", "inspect", "x"], "RUN_UNKNOWN"],
      [["workflow", "thread", "x"], "RUN_UNKNOWN"],
      [["why", "x"], "RUN_UNKNOWN"],
      [["why", "7"], "ROW_UNKNOWN"],
      [["why", "--sense", "quite"], "SENSE_UNKNOWN"],
      [["sense", "query", "quite"], "SENSE_UNKNOWN"],
      [["sense", "schema", "quite"], "SENSE_UNKNOWN"],
      [["sense", "query", "quiet", "select 1"], "DATABASE_MISSING"],
    ];
    for (const [argv, code] of refused) {
      const failed = await nerve(...argv, "--json"), { error } = outputs.errorOutput.parse(JSON.parse(failed.err));
      assert.deepEqual([failed.code, failed.out, error.code], [1, "", code], argv.join(" "));
      assert.ok(error.hint !== null, argv.join(" "));
    }
  });
});
