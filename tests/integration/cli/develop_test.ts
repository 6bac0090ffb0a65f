/**
 * `nerve develop` and `nerve worktree` as their user has them, with a daemon of their own. Dangers: a run that starts twice,
 * a command that hangs, a decision that a death of the daemon loses, work that is removed. The cases are those of the contract.
 */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { DaemonWorkspace } from "../../support/daemon.ts";
import {
  developFiles,
  developYaml,
  git,
  makeRepository,
  readReport,
  removeReport,
  untilReport,
} from "../../support/develop_world.ts";
import { long } from "../../support/long_form.ts";

interface World {
  readonly workspace: DaemonWorkspace;
  readonly repo: string;
  /** `nerve develop` on the repository. */
  readonly develop: (...args: string[]) => ReturnType<DaemonWorkspace["nerve"]>;
}

async function inWorld(act: (world: World) => Promise<void>): Promise<void> {
  await using workspace = await DaemonWorkspace.make();
  const repo = `${workspace.folder}/grüße an alle`, wish = `${workspace.folder}/wish.txt`;
  await makeRepository(repo);
  Deno.writeTextFileSync(wish, "Greet politely.\n");
  for (const [path, text] of Object.entries({ ...developFiles(), "nerve.yaml": stringify(developYaml(repo)) })) {
    Deno.mkdirSync(`${workspace.root}/${path}`.replace(/\/[^/]+$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${workspace.root}/${path}`, text);
  }
  const develop = (...args: string[]) => workspace.nerve("develop", repo, "--requirements", wish, ...args);
  await act({ workspace, repo, develop });
}

// deno-lint-ignore no-explicit-any -- tests look into documents whose shapes the commands' own files tell
async function json(workspace: DaemonWorkspace, ...args: string[]): Promise<any> {
  const { out, err } = await workspace.nerve(...args, "--json");
  assert.notEqual(out, "", err);
  return JSON.parse(out);
}

/** The rows of a run but for those of its sessions that are still ending. */
async function rowsOf(workspace: DaemonWorkspace, runId: string): Promise<unknown[]> {
  const { out } = await workspace.nerve("events", "--ref", runId, "--limit", "500", "--json");
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

long.test("case 14: nerve develop returns at the first gate, and attaches to a run that is there", () =>
  inWorld(async ({ workspace, develop, repo }) => {
    const offline = await develop();
    assert.deepEqual([offline.code, /DAEMON_MISSING|nerve start/.test(offline.err)], [3, true], offline.err);
    await workspace.start();
    const first = await develop("--id", "a", "--json");
    assert.equal(first.code, 0, first.err);
    const { run, requests } = JSON.parse(first.out);
    assert.deepEqual([run.status, requests.map(({ id }: { id: string }) => id)], ["waiting", [
      "a:spec_approved:specification:1",
    ]]);
    assert.ok(Deno.statSync(`${workspace.root}/data/worktrees/a/main/.git`).isFile);
    assert.equal(run.payload.template.name, "development");
    assert.match(run.payload.personas[0].hash, /^[0-9a-f]{64}$/);
    // With another text, and from another place: it is the same run.
    const again = await develop("--id", "a", "--base", "other");
    assert.deepEqual([again.code, again.out], [0, "a\n"]);
    assert.match(again.err, /attached to run a; nothing was started/);
    assert.match(again.err, /nerve approvals a:spec_approved:specification:1/);
    const shown = await workspace.nerve("approvals", "a");
    assert.match(shown.out, /# Greet politely\n\nThe greeting says please\./);
    const refused = await develop("--agent", "nobody");
    assert.match(refused.err, /nerve.yaml does not give the agent nobody to workflow develop/);
    const elsewhere = await workspace.nerve(
      "develop",
      workspace.folder,
      "--requirements",
      `${workspace.folder}/wish.txt`,
    );
    assert.match(elsewhere.err, /workflow develop is not granted read: .*, nor write: /);
    assert.equal((await workspace.nerve("develop", repo)).code, 2);
    // A worktree of it is granted with it.
    await git(repo, "worktree", "add", "--quiet", `${repo}/.git/tree`, "-b", "other");
    const inside = await workspace.nerve(
      "develop",
      `${repo}/.git/tree`,
      "--requirements",
      `${workspace.folder}/wish.txt`,
      "--id",
      "t",
    );
    assert.equal(inside.code, 0, inside.err);
  }));

long.test("cases 8, 9, 10: a decision that is repeated makes the report good, and touches no session and no row", () =>
  inWorld(async ({ workspace, develop }) => {
    await workspace.start();
    const decisions = { a: ["approve"], b: ["reject"], c: ["approve", "--option", "abort"] };
    for (const [runId, [command = "", ...more]] of Object.entries(decisions)) {
      assert.equal((await develop("--id", runId)).code, 0);
      const gates = runId === "a"
        ? ["spec_approved:specification", "merge_approved:review"]
        : ["spec_approved:specification"];
      const decide = (gate: string) => workspace.nerve(command, `${runId}:${gate}:1`, "--token", "t", ...more);
      for (const gate of gates) {
        const decided = await decide(gate);
        assert.equal(decided.code, 0, decided.err);
        await develop("--id", runId);
      }
      const report = await untilReport(workspace.root, runId);
      // Its sessions end a moment later.
      await workspace.nerve("stop");
      await workspace.start();
      const before = await rowsOf(workspace, runId);
      removeReport(workspace.root, runId);
      const replayed = await decide(gates.at(-1) ?? "");
      assert.equal(replayed.code, 0, replayed.err);
      assert.equal(readReport(workspace.root, runId), report);
      assert.deepEqual(await rowsOf(workspace, runId), before);
    }
    const statuses = await Promise.all(["a", "b", "c"].map((id) => json(workspace, "workflow", "inspect", id)));
    assert.deepEqual(statuses.map(({ run }) => run.status), ["completed", "failed", "killed"]);
  }));

long.test("case 16: kill -9 after a decision loses neither it nor its run, and the lock is free for the next daemon", () =>
  inWorld(async ({ workspace, develop }) => {
    await workspace.start();
    await develop("--id", "a");
    const { kernel } = workspace.pids();
    assert.equal((await workspace.nerve("approve", "a", "--comment", "mind the tone")).code, 0);
    Deno.kill(kernel, "SIGKILL");
    // Case 15: the next start works.
    await workspace.nerve("stop");
    await workspace.start();
    const { run, requests } = JSON.parse((await develop("--id", "a", "--json")).out);
    assert.deepEqual([run.status, requests.map(({ gate }: { gate: string }) => gate)], ["waiting", ["merge_approved"]]);
  }));

long.test("nerve worktree list and clean: what ended runs have checked out goes, and their branches stay", () =>
  inWorld(async ({ workspace, develop, repo }) => {
    await workspace.start();
    for (const runId of ["a", "b"]) await develop("--id", runId);
    await workspace.nerve("approve", "a");
    await develop("--id", "a");
    await workspace.nerve("approve", "a");
    await untilReport(workspace.root, "a");
    // Its turn came when the other one had ended.
    await develop("--id", "b");
    Deno.mkdirSync(`${workspace.root}/data/worktrees/stray/main`, { recursive: true });
    const { items } = await json(workspace, "worktree", "list");
    const shown = items.map((
      item: Record<string, unknown>,
    ) => [item.runId, item.status, item.branch, item.repository, item.cleanable]);
    assert.deepEqual(shown, [
      ["a", "completed", "nerve/a", repo, true],
      ["b", "waiting", "nerve/b", repo, false],
      ["stray", null, null, null, false],
    ]);
    const cleaned = await workspace.nerve("worktree", "clean");
    assert.equal(cleaned.code, 0, cleaned.err);
    assert.match(
      cleaned.out,
      /a: nerve\/a stays\n.* b stays: its run is waiting\n.* stray stays: there is no such run/,
    );
    assert.equal((await git(repo, "worktree", "list")).split("\n").length, 2);
    assert.equal(await git(repo, "log", "-1", "--format=%s", "nerve/a"), "What was left of the work of a");
    assert.equal((await workspace.nerve("worktree", "clean", "b")).code, 1);
    await workspace.nerve("restart");
    assert.match(
      workspace.textLog(),
      /there are worktrees of no run: stray; nerve worktree clean --orphans removes them/,
    );
    await workspace.nerve("worktree", "clean", "--orphans");
    assert.deepEqual((await json(workspace, "worktree", "list")).items.map(({ runId }: { runId: string }) => runId), [
      "b",
    ]);
  }));
