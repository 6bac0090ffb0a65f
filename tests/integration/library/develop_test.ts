/**
 * The library workflow `develop` on a real repository, with an agent that is a real process and writes real commits.
 * Dangers: work that is lost, a repository that is changed beside its branch, a decision on something else than is shown.
 */
import assert from "node:assert/strict";
import {
  developFiles,
  developYaml,
  git,
  makeRepository,
  readPrompts,
  writeScript,
} from "../../support/develop_world.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { makeWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";
import type { DevelopOptions } from "../../support/develop_world.ts";

interface World extends AsyncDisposable {
  readonly workspace: WorkspaceFixture;
  readonly repo: string;
}

async function startDevelop(options: DevelopOptions = {}): Promise<World> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-repo-" })), repo = `${folder}/grüße an alle`;
  await makeRepository(repo);
  const workspace = await makeWorkspace({ yaml: developYaml(repo, options), files: developFiles() });
  return {
    workspace,
    repo,
    async [Symbol.asyncDispose]() {
      await workspace[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function payload(repo: string) {
  return { repo, baseBranch: "main", requirements: "Greet politely." };
}

/** Decides the one request that is open. */
async function decide({ kernel }: WorkspaceFixture, gate: string, option: string): Promise<string> {
  const { items } = kernel.api.approvals({ all: false, limit: 10, offset: 0 }), [asked] = items;
  assert.deepEqual(items.map(({ gate }) => gate), [gate]);
  const { id = "", digest = "" } = asked ?? {};
  await kernel.api.decide(id, { option, digest, token: `t-${option}`, by: "ada" });
  return id;
}

Deno.test("develop: from a requirement to a branch that merges, with a review that wants changes once", async () => {
  await using world = await startDevelop();
  const { workspace, repo } = world, before = await git(repo, "rev-parse", "main");
  writeScript(workspace.root, { changes: 1 });
  await workspace.start();
  await workspace.kernel.startWorkflow("develop", { runId: "a", payload: payload(repo) });
  await workspace.run("waiting");
  assert.equal(await decide(workspace, "spec_approved", "approve"), "a:spec_approved:specification:1");
  await workspace.waitFor(
    (event) => event.kind === "run" && event.run.status === "waiting" && event.run.rounds > 3,
    "the last gate",
  );
  const { items: [asked] } = workspace.kernel.api.approvals({ all: false, limit: 10, offset: 0 });
  const { body = "", title = "" } = workspace.kernel.api.approval(asked?.id ?? "") ?? {};
  assert.equal(title, "Merge nerve/a into main? Greet politely");
  assert.match(body, /nerve\/a merges into main\./);
  assert.match(body, /```diff\ndiff --git[^]*\+please please\n[^]*```/);
  await decide(workspace, "merge_approved", "approve");
  const { status, reason } = await runEnd(workspace, "a");
  assert.deepEqual([status, reason], ["completed", null]);
  const roles = workspace.kernel.api.records.messages("a", { limit: 50 }).map(({ role }) => role);
  const work = ["implementation", "tests", "review"];
  const wanted = ["prepare", "specification", "spec_approved", "plan", ...work, ...work, "summary", "merge_approved"];
  assert.deepEqual(roles, wanted);
  // Nothing but the branch has changed, and it merges.
  assert.equal(await git(repo, "rev-parse", "main"), before);
  assert.equal(await git(repo, "status", "--porcelain"), "");
  await git(repo, "merge", "--quiet", "--no-edit", "nerve/a");
  assert.equal(Deno.readTextFileSync(`${repo}/greet.txt`), "please please\n");
  const [, again = ""] = readPrompts(workspace.root).filter(({ phase }) => phase === "implementation").map((
    { prompt },
  ) => prompt);
  assert.match(again, /The review wants changes:[^]*greet.txt:1: say it twice/);
});
