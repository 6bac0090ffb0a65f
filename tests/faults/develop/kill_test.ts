/**
 * kill -9 of the daemon at any moment of `develop`, while git makes a worktree, an agent works, tests run, a person decides and
 * a report is written. Dangers: a run that does not go on, work that is lost or half there, a decision that is asked twice.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { delay } from "../../../src/base/time.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import {
  developFiles,
  developYaml,
  git,
  makeRepository,
  untilReport,
  writeScript,
} from "../../support/develop_world.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

const deaths = 6, deathMaxMs = 1_200;

/** Decides whatever is open: approves, and tries again what agents have lost. */
async function decideAll(daemon: Daemon, database: string): Promise<void> {
  const reader = StoreReader.open(database);
  try {
    for (const { id, digest, options } of reader?.approvals({ all: false, limit: 10, offset: 0 }).items ?? []) {
      const option = options.includes("approve") ? "approve" : "retry";
      await daemon.client.decide(id, { option, digest, token: `${id}:${option}` });
    }
  } finally {
    reader?.close();
  }
}

/** Null while the daemon is dead, or has just died. */
async function look(daemon: Daemon, database: string): Promise<Run | null> {
  try {
    await decideAll(daemon, database);
    return await daemon.client.run("a", false);
  } catch (thrown) {
    if (thrown instanceof NerveError) return null;
    throw thrown;
  }
}

faultTest(
  "kill -9 of the daemon while agents develop: the run ends with a branch that merges, and one report",
  async (seed) => {
    const random = randomFrom(seed), folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-repo-" }));
    const repo = `${folder}/grüße an alle`;
    await makeRepository(repo);
    await using workspace = await makeWorkspace({ yaml: developYaml(repo), files: developFiles() });
    const { root, paths: { logDatabase } } = workspace, before = await git(repo, "rev-parse", "main");
    writeScript(root, { changes: 1 });
    let daemon = await Daemon.start(workspace.paths), left = deaths, run: Run | null = null;
    const untilOver = async () => {
      await daemon.client.startRun("develop", { runId: "a", payload: { repo, requirements: "Greet politely." } });
      while (run === null || run.endedAt === null) {
        const dies = left-- > 0 ? delay(systemClock, random() * deathMaxMs).then(() => daemon.kill()) : null;
        let isDead = false;
        void dies?.then(() => isDead = true);
        while (!isDead && (run === null || run.endedAt === null)) {
          run = await look(daemon, logDatabase);
          await delay(systemClock, 10);
        }
        await dies;
        if (isDead) daemon = await Daemon.start(workspace.paths);
      }
    };
    try {
      await within(
        untilOver(),
        "the run to end",
        () => `${JSON.stringify(run)}\n${daemon.output}\n${repeatedBy(seed)}`,
      );
      const ended: Run | null = run;
      assert.equal(Object(ended).status, "completed", `${JSON.stringify(ended)} ${repeatedBy(seed)}`);
      assert.match(await untilReport(root, "a"), /^# Run a: completed\n/);
    } finally {
      await daemon.kill();
    }
    const reader = StoreReader.open(logDatabase);
    const asked = reader?.approvals({ all: true, limit: 50, offset: 0 }).items.filter(({ kind }) => kind === "gate") ??
      [];
    assert.deepEqual(asked.map(({ gate, state }) => [gate, state]).sort(), [
      ["merge_approved", "approved"],
      ["spec_approved", "approved"],
    ]);
    assert.equal(reader?.logs({ refId: "a", type: "run.closed" }).length, 1);
    reader?.close();
    assert.equal(await git(repo, "rev-parse", "main"), before);
    await git(repo, "fsck", "--strict");
    await git(repo, "merge", "--quiet", "--no-edit", "nerve/a");
    assert.match(Deno.readTextFileSync(`${repo}/greet.txt`), /^please please/);
    assert.equal(await git(`${root}/data/worktrees/a/main`, "status", "--porcelain"), "");
    await Deno.remove(folder, { recursive: true });
  },
  long,
);
