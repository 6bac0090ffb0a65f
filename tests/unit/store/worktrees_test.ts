/** Worktrees of runs on disk. Danger: a folder that is removed because a file in a worktree names it. */
import assert from "node:assert/strict";
import { listWorktrees, removeWorktree, repositoryOf } from "../../../src/store/maintenance/worktrees.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function write(path: string, text: string): void {
  Deno.mkdirSync(path.replace(/\/[^/]+$/, ""), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

Deno.test("only what a repository knows of the very folder is its worktree, and nothing else is removed with it", () =>
  inTempDir(async (root) => {
    const trees = `${root}/trees`, admin = `${root}/repo/.git/worktrees/main`;
    write(`${trees}/a/main/.git`, `gitdir: ${admin}\n`);
    write(`${admin}/gitdir`, `${trees}/a/main/.git\n`);
    write(`${admin}/HEAD`, "ref: refs/heads/nerve/a\n");
    // These files name folders that do not belong to them.
    write(`${trees}/b/main/.git`, `gitdir: ${admin}\n`);
    write(`${trees}/c/main/.git`, `gitdir: ${root}/precious/worktrees/x\n`);
    write(`${root}/precious/worktrees/x/file`, "mine");
    write(`${trees}/.personas.json`, "{}");
    const found = listWorktrees(trees), shown = found.map((each) => [each.runId, each.branch, repositoryOf(each)]);
    assert.deepEqual(shown, [["a", "nerve/a", `${root}/repo`], ["b", null, null], ["c", null, null]]);
    for (const each of found) await removeWorktree(each);
    assert.deepEqual([...Deno.readDirSync(trees)].map(({ name }) => name), [".personas.json"]);
    assert.deepEqual([...Deno.readDirSync(`${root}/repo/.git/worktrees`)], []);
    assert.equal(Deno.readTextFileSync(`${root}/precious/worktrees/x/file`), "mine");
    assert.deepEqual(listWorktrees(`${root}/none`), []);
  }));

Deno.test("what an agent puts in the place of git's files stops nobody, and leads nowhere", () =>
  inTempDir(async (root) => {
    const trees = `${root}/trees`, main = (run: string) => `${trees}/${run}/main`;
    // A pipe without a writer.
    Deno.mkdirSync(main("pipe"), { recursive: true });
    assert.ok((await new Deno.Command("mkfifo", { args: [`${main("pipe")}/.git`] }).output()).success);
    write(`${main("huge")}/.git`, `gitdir: ${root}/${"x".repeat(5_000)}/worktrees/main\n`);
    // A repository that the run made itself, in the worktree or behind a link.
    write(`${main("inside")}/.git`, `gitdir: ${main("inside")}/f/worktrees/x\n`);
    write(`${main("inside")}/f/worktrees/x/gitdir`, `${main("inside")}/.git\n`);
    write(`${root}/precious/x/gitdir`, `${main("link")}/.git\n`);
    Deno.symlinkSync(`${root}/precious`, `${root}/worktrees`);
    write(`${main("link")}/.git`, `gitdir: ${root}/worktrees/x\n`);
    const found = listWorktrees(trees);
    assert.deepEqual(
      found.map(({ runId, admin }) => [runId, admin]),
      ["huge", "inside", "link", "pipe"].map((run) => [run, null]),
    );
    for (const each of found) await removeWorktree(each);
    assert.ok(Deno.statSync(`${root}/precious/x/gitdir`).isFile);
  }));
