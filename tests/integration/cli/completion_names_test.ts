/** Shell completion: the proposals for commands, flags and names, and the scripts that ask for them. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { openStore } from "../../../src/store/store.ts";
import { aRun } from "../../support/api_views.ts";
import { nerve, proposed } from "../../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("completions know commands, flags, and the names of senses, workflows and runs", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: this is broken [",
      "senses/disk-usage/index.ts": "",
      "senses/disk-health/index.ts": "",
      "senses/cpu/index.ts": "",
      "workflows/tidy/index.ts": "",
    });
    assert.ok((await proposed(root, "")).includes("sense"));
    assert.deepEqual(await proposed(root, "sense", "que"), ["query"]);
    assert.deepEqual(await proposed(root, "sense", "query", "disk"), ["disk-health", "disk-usage"]);
    assert.deepEqual(await proposed(root, "workflow", "trigger", ""), ["tidy"]);
    assert.deepEqual(await proposed(root, "events", "--ty"), ["--type"]);
    assert.deepEqual(await proposed(root, "completions", "z"), ["zsh"]);
    assert.ok(!(await proposed(root, "workflow", "thread", "")).includes("01RUN"), "nothing has run yet");
    const store = openStore(workspacePaths(root).logDatabase, systemClock);
    const run = aRun({
      runId: "01RUN",
      workflow: "tidy",
      status: "queued",
      exitCode: null,
      startedAt: null,
      endedAt: null,
    });
    await store.runs.create(run, {
      source: "workflow:tidy",
      type: "run.queued",
      refId: "01RUN",
      causeId: null,
      payload: {},
    });
    await store.close();
    assert.deepEqual(await proposed(root, "workflow", "thread", "01"), ["01RUN"]);
    assert.deepEqual(await proposed(root, "why", ""), ["01RUN"]);
  });
});

Deno.test("outside a workspace completions offer what needs none, without an error", async () => {
  assert.ok((await proposed("/", "sense", "query", "")).every((word) => word.startsWith("-")));
  assert.deepEqual(await proposed("/", "sense", "lis"), ["list"]);
});

Deno.test("each shell accepts its completion script, which asks nerve itself", async (t) => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await nerve("/", "completions", shell);
    assert.equal(code, 0);
    assert.match(out, /nerve __complete/);
    const parse = async () => await new Deno.Command(shell, { args: ["-n", "-c", out], stderr: "piped" }).output();
    const accepted = await parse().then(() => true, () => false);
    await t.step({
      name: accepted ? `${shell} -n` : `${shell} is not here`,
      ignore: !accepted,
      fn: async () => assert.equal(new TextDecoder().decode((await parse()).stderr), ""),
    });
  }
});
