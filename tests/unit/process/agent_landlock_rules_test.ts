/** The Landlock rules of an agent. Danger: an agent makes a repository that opens what it could not write before. */
import assert from "node:assert/strict";
import { buildAgentRules } from "../../../src/process/agent_landlock_rules.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function write(path: string, text: string): void {
  Deno.mkdirSync(path.replace(/\/[^/]+$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

/** What it may write besides its folder and its home. */
function writes(root: string): string[] {
  const cwd = `${root}/tree`, home = `${root}/home`, none = { read: [], userHome: null };
  const wall = buildAgentRules({ ...none, cwd, home, program: "sh", pathVariable: "/usr/bin:/bin" });
  assert.ok(wall !== null);
  return wall.paths.filter(([path, right]) => right === "write" && path.startsWith(root)).map(([path]) => path)
    .filter((path) => path !== cwd && path !== home).map((path) => path.slice(root.length + 1)).sort();
}

/** Creates a repository in `git` that lists the worktree; the worktree names it. */
function link(root: string, git: string): void {
  for (const name of ["objects", "refs", "logs"]) Deno.mkdirSync(`${git}/${name}`, { recursive: true });
  write(`${git}/HEAD`, "ref: refs/heads/main\n");
  write(`${git}/worktrees/x/gitdir`, `${root}/tree/.git\n`);
  write(`${root}/tree/.git`, `gitdir: ${git}/worktrees/x\n`);
  Deno.mkdirSync(`${root}/home`, { recursive: true });
}

Deno.test("in a worktree a commit can be made, and nothing else of the repository is open", () =>
  inTempDir((root) => {
    link(root, `${root}/repo/.git`);
    const opened = ["logs", "objects", "refs", "worktrees/x"].map((name) => `repo/.git/${name}`);
    assert.deepEqual(writes(root), opened);
    return Promise.resolve();
  }));

Deno.test("a repository that an agent can have made opens nothing", () =>
  inTempDir((root) => {
    for (const git of [`${root}/tree/f`, `${root}/home/f`, `${root}/repo/.git/worktrees/x/f`]) {
      write(`${root}/repo/.git/HEAD`, "ref: refs/heads/main\n");
      link(root, git);
      assert.deepEqual(writes(root), [], git);
    }
    return Promise.resolve();
  }));

Deno.test("a link in the place of a folder of the repository is not followed", () =>
  inTempDir((root) => {
    link(root, `${root}/repo/.git`);
    Deno.mkdirSync(`${root}/precious`);
    Deno.removeSync(`${root}/repo/.git/objects`);
    Deno.symlinkSync(`${root}/precious`, `${root}/repo/.git/objects`);
    assert.deepEqual(writes(root), ["logs", "refs", "worktrees/x"].map((name) => `repo/.git/${name}`));
    return Promise.resolve();
  }));
