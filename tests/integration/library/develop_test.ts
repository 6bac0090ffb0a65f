/**
 * The library workflow `develop` on a real repository, with an agent that is a real process and writes real commits, within
 * its permissions. Dangers: work that is lost, a repository that is changed beside its branch, a decision on something else
 * than is shown. The cases are those of the contract, under their numbers.
 */
import assert from "node:assert/strict";
import { DevelopWorld } from "../../support/develop_runs.ts";
import { git, readPrompts, untilReport, writeScript } from "../../support/develop_world.ts";
import { long } from "../../support/long_form.ts";

const approved = { spec_approved: "approve", merge_approved: "approve" };

Deno.test("develop, with its permissions: from a requirement to a branch that merges, with a review that wants changes once", async () => {
  await using world = await DevelopWorld.start();
  const { workspace, repo, root } = world, before = await git(repo, "rev-parse", "main");
  writeScript(root, { changes: 1 });
  await world.begin("a");
  assert.equal((await world.atGate("a", "spec_approved")).id, "a:spec_approved:specification:1");
  await world.decide("a", { spec_approved: "approve" });
  const { id, title } = await world.atGate("a", "merge_approved"), body = workspace.kernel.api.approval(id)?.body ?? "";
  assert.deepEqual([id, title], ["a:merge_approved:review:1", "Merge nerve/a into main? Greet politely"]);
  assert.match(body, /nerve\/a merges into main\./);
  assert.match(body, /```diff\ndiff --git[^]*\+please please\n[^]*```/);
  await world.decide("a", { merge_approved: "approve" });
  const { status, reason } = await world.end("a");
  assert.deepEqual([status, reason], ["completed", null]);
  const roles = workspace.kernel.api.records.messages("a", { limit: 50 }).map(({ role }) => role);
  const work = ["implementation", "tests", "review"];
  assert.deepEqual(roles, [
    "prepare",
    "specification",
    "spec_approved",
    "plan",
    ...work,
    ...work,
    "summary",
    "merge_approved",
  ]);
  // Nothing but the branch has changed, and it merges.
  assert.equal(await git(repo, "rev-parse", "main"), before);
  assert.equal(await git(repo, "status", "--porcelain"), "");
  await git(repo, "merge", "--quiet", "--no-edit", "nerve/a");
  assert.equal(Deno.readTextFileSync(`${repo}/greet.txt`), "please please\n");
  const works = readPrompts(root).filter(({ phase }) => phase === "implementation").map(({ prompt }) => prompt);
  assert.match(works[1] ?? "", /The review wants changes:[^]*greet.txt:1: say it twice/);
  const report = await untilReport(root, "a");
  assert.match(report, /^# Run a: completed\n/);
  for (
    const part of [
      "nerve/a has 4 commits, and merges into main",
      "spec_approved: approve, by ada",
      "say it twice",
      "author@1",
    ]
  ) {
    assert.ok(report.includes(part), `${part} is not in:\n${report}`);
  }
});

long.test(
  "develop: a rejected specification fails the run, an aborted merge kills it, with the reason and its report",
  async () => {
    await using world = await DevelopWorld.start();
    await world.begin("a");
    await world.decide("a", { spec_approved: "reject" });
    const rejected = await world.end("a");
    assert.deepEqual([rejected.status, rejected.exitCode, rejected.reason], [
      "failed",
      1,
      "spec_approved: reject by ada",
    ]);
    await world.begin("b");
    await world.decide("b", { spec_approved: "approve", merge_approved: "abort" });
    const aborted = await world.end("b");
    assert.deepEqual([aborted.status, aborted.exitCode, aborted.reason], [
      "killed",
      137,
      "merge_approved: abort by ada",
    ]);
    assert.match(
      await untilReport(world.root, "a"),
      /^# Run a: failed\n\nspec_approved: reject by ada\n[^]*There is no commit on nerve\/a/,
    );
    assert.match(await untilReport(world.root, "b"), /^# Run b: killed\n[^]*nerve\/b has 2 commits/);
  },
);

long.test("develop: what does not pass goes back as often as the template says, and the last gate says so", async () => {
  await using world = await DevelopWorld.start({ config: { test: ["grep", "thanks", "greet.txt"] } });
  await world.begin("a");
  await world.decide("a", { spec_approved: "approve" });
  const { title } = await world.atGate("a", "merge_approved");
  assert.equal(title, "Merge nerve/a into main? (tests fail) Greet politely");
  const phases = readPrompts(world.root).map(({ phase }) => phase);
  const work = ["implementation", "implementation", "implementation"];
  assert.deepEqual(phases, ["specification", "plan", ...work]);
  await world.decide("a", { merge_approved: "reject" });
  assert.equal((await world.end("a")).status, "failed");
});

long.test("case 14: the start leads to the first gate, with one request and the worktree at its path", async () => {
  await using world = await DevelopWorld.start();
  const { repo, root } = world;
  await world.begin("a");
  await world.atGate("a", "spec_approved");
  assert.deepEqual(world.requests("a").map(({ gate, options }) => [gate, options]), [["spec_approved", [
    "approve",
    "reject",
    "abort",
  ]]]);
  const tree = `${root}/data/worktrees/a/main`;
  assert.equal(await git(tree, "symbolic-ref", "--short", "HEAD"), "nerve/a");
  assert.equal(await git(tree, "rev-parse", "HEAD"), await git(repo, "rev-parse", "main"));
  assert.equal(await git(tree, "status", "--porcelain"), "");
});

long.test("case 17: of two decisions with two tokens at once one counts, and the other is told", async () => {
  await using world = await DevelopWorld.start();
  const { api } = world.workspace.kernel;
  await world.begin("a");
  const { id, digest } = await world.atGate("a", "spec_approved");
  const both = await Promise.allSettled(
    ["approve", "reject"].map((option) => api.decide(id, { option, digest, token: option })),
  );
  const [lost, ...more] = both.filter(({ status }) => status === "rejected");
  assert.equal(more.length, 0);
  assert.match(String(Object(lost).reason), /was decided: (approve|reject)/);
  assert.equal(Object(lost).reason.code, "APPROVAL_DECIDED");
});

long.test(
  "case 22, 23: a folder in the place of the worktree and a missing branch end the run, and nothing is changed",
  async () => {
    await using world = await DevelopWorld.start();
    const { repo, root } = world, file = `${root}/data/worktrees/a/main/mine.txt`;
    world.workspace.write("data/worktrees/a/main/mine.txt", "mine");
    await world.begin("a");
    assert.match(
      (await world.end("a")).reason ?? "",
      /worktrees\/a\/main is there already, and is not a worktree of this run/,
    );
    assert.equal(Deno.readTextFileSync(file), "mine");
    await world.begin("b", { baseBranch: "stable" });
    assert.match((await world.end("b")).reason ?? "", /has no branch stable: there are main/);
    await world.begin("c", { repo: root });
    assert.match((await world.end("c")).reason ?? "", /is not a git repository/);
    await git(repo, "branch", "nerve/d");
    await git(repo, "checkout", "--quiet", "nerve/d");
    await git(repo, "commit", "--quiet", "--allow-empty", "-m", "mine");
    await git(repo, "checkout", "--quiet", "main");
    await world.begin("d");
    assert.match((await world.end("d")).reason ?? "", /has a branch nerve\/d already, with commits of its own/);
    assert.equal(await git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads"), "main\nnerve/d");
    assert.match(await untilReport(root, "d"), /^# Run d: failed\n[^]*There is no worktree and no branch/);
  },
);

long.test("case 24: what is not committed stays as it is, and the run does not see it", async () => {
  await using world = await DevelopWorld.start();
  const { repo, root, workspace } = world;
  Deno.writeTextFileSync(`${repo}/greet.txt`, "not committed\n");
  Deno.writeTextFileSync(`${repo}/new.txt`, "new\n");
  await world.begin("a");
  await world.atGate("a", "spec_approved");
  const [first] = workspace.kernel.api.records.messages("a", { limit: 50 });
  assert.match(first?.content ?? "", /1 files of .* have changes that are not committed: the run does not see them/);
  assert.equal(Deno.readTextFileSync(`${root}/data/worktrees/a/main/greet.txt`), "hello\n");
  assert.equal(await git(repo, "status", "--porcelain"), "M greet.txt\n?? new.txt");
});

long.test("case 26: over the limit of runs one is queued, or dropped, as its workflow says", async () => {
  await using world = await DevelopWorld.start({ workflow: { concurrency: 1 } });
  await world.begin("a");
  assert.equal((await world.begin("b")).status, "queued");
  await world.decide("a", { spec_approved: "abort" });
  await world.decide("b", { spec_approved: "abort" });
  assert.equal((await world.end("b")).status, "killed");
  await using strict = await DevelopWorld.start({ workflow: { concurrency: 1, overflow: "drop" } });
  await strict.begin("a");
  assert.equal((await strict.begin("b")).status, "dropped");
  await strict.atGate("a", "spec_approved");
});

long.test("case 27: a template and a persona that change under a run do not change it", async () => {
  await using world = await DevelopWorld.start();
  const { root, workspace } = world, folder = "workflows/develop";
  await world.begin("a");
  await world.atGate("a", "spec_approved");
  workspace.write(`${folder}/personas/author@1.md`, "You are somebody else.\n");
  const template = Deno.readTextFileSync(`${root}/${folder}/templates/development.yaml`);
  workspace.write(`${folder}/templates/development.yaml`, template.replace("    gate: merge_approved\n", ""));
  await workspace.kernel.api.reload();
  await world.decide("a", approved);
  assert.equal((await world.end("a")).status, "completed");
  assert.deepEqual(readPrompts(root).filter(({ prompt }) => prompt.startsWith("You are somebody else")), []);
  // Another content under the same name and version.
  await world.begin("b");
  assert.match((await world.end("b")).reason ?? "", /the persona author@1 has changed: .* write author@2/);
});

long.test("case 28: a persona that is missing ends the run, and names it", async () => {
  await using world = await DevelopWorld.start();
  Deno.removeSync(`${world.root}/workflows/develop/personas/reviewer@1.md`);
  await world.begin("a");
  assert.match((await world.end("a")).reason ?? "", /there is no persona reviewer@1: personas\/reviewer@1.md/);
  assert.match(await untilReport(world.root, "a"), /^# Run a: failed/);
});

long.test("develop: a bare repository, submodules, and files that git ignores", async () => {
  await using world = await DevelopWorld.start({ config: { copy: [".env", "missing"] } }, async (repo) => {
    Deno.writeTextFileSync(`${repo}/.env`, "KEY=1\n");
    await git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", repo, "part");
    await git(repo, "commit", "--quiet", "-m", "with a part");
    await git(repo, "clone", "--quiet", "--bare", repo, `${repo}/.git/bare`);
  });
  const { repo, root, workspace } = world;
  await world.begin("a");
  await world.begin("b", { repo: `${repo}/.git/bare` });
  await world.decide("a", approved);
  await world.decide("b", approved);
  for (const runId of ["a", "b"]) assert.equal((await world.end(runId)).status, "completed");
  const [first] = workspace.kernel.api.records.messages("a", { limit: 50 });
  assert.match(first?.content ?? "", /its submodules are empty there[^]*copied: \.env/);
  assert.equal(Deno.readTextFileSync(`${root}/data/worktrees/a/main/.env`), "KEY=1\n");
  assert.equal(await git(`${repo}/.git/bare`, "log", "--format=%s", "-1", "nerve/b"), "What was left of the work of b");
  assert.ok(!(await git(repo, "ls-tree", "-r", "--name-only", "nerve/a")).includes(".env"));
});

long.test("develop: what a death has left of a worktree is made anew, and what an agent leaves is kept", async () => {
  await using world = await DevelopWorld.start({ workflow: { concurrency: 3 } });
  const { repo, root, workspace } = world, tree = (runId: string) => `${root}/data/worktrees/${runId}/main`;
  // The branch alone; a worktree half checked out, locked as git does meanwhile; one whose folder is gone.
  await git(repo, "branch", "nerve/a");
  for (const runId of ["b", "c"]) await git(repo, "worktree", "add", "--quiet", "-b", `nerve/${runId}`, tree(runId));
  await git(repo, "worktree", "lock", tree("b"), "--reason", "initializing");
  Deno.removeSync(`${tree("b")}/greet.txt`);
  Deno.removeSync(tree("c"), { recursive: true });
  for (const runId of ["a", "b", "c"]) {
    await world.begin(runId);
    await world.atGate(runId, "spec_approved");
    assert.equal(await git(tree(runId), "status", "--porcelain"), "");
  }
  // It fails with work that is not committed, which is then.
  Deno.writeTextFileSync(`${tree("a")}/half.txt`, "half done");
  await world.decide("a", { spec_approved: "reject" });
  await untilReport(root, "a");
  assert.equal(await git(repo, "log", "-1", "--format=%s", "nerve/a"), "Unfinished work of a");
  // What was approved does not change: it is told.
  await world.decide("b", { spec_approved: "approve" });
  await world.atGate("b", "merge_approved");
  Deno.writeTextFileSync(`${tree("b")}/late.txt`, "late");
  await git(tree("b"), "commit", "--quiet", "--allow-empty", "-m", "later");
  await world.decide("b", { merge_approved: "approve" });
  assert.match(
    await untilReport(root, "b"),
    /The branch has moved since it was decided on: [^]*that are not committed/,
  );
  const [row] = await workspace.rows({ refId: "b", type: "run.closed" });
  assert.deepEqual(Object(row?.payload).meta, { uncommitted: true });
});
