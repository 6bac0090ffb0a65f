/**
 * What `develop` does with git in a worktree that an agent has written, with a real git. Danger: a program that the agent
 * names in the settings of a repository of its own, and that git then starts beside the agent's wall.
 */
import assert from "node:assert/strict";
import { commitRest, isChanged, makeWorktree, type Place } from "../../../workflows/develop/git.ts";
import { git, makeRepository } from "../../support/develop_world.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("git starts no program that a submodule names, and takes the commit that the submodule is at", async () => {
  await inTempDir(async (folder) => {
    const repo = `${folder}/repo`, path = `${folder}/tree`, part = `${path}/part`, { signal } = new AbortController();
    await makeRepository(repo);
    const base = await git(repo, "rev-parse", "HEAD"), about = { repo, path, branch: "nerve/a", signal };
    const place: Place = { ...about, folders: await makeWorktree({ ...about, folders: null }, base) };
    await makeRepository(part);
    // It is committed as a submodule, and gets its evil settings only then.
    assert.equal(await commitRest(place, base, "with a part"), 1);
    assert.match(await git(path, "ls-tree", "HEAD", "part"), /^160000 commit /);
    Deno.writeTextFileSync(`${folder}/evil`, `#!/bin/sh\ntouch '${folder}/started'\n`, { mode: 0o755 });
    for (const key of ["core.fsmonitor", "diff.external"]) await git(part, "config", key, `${folder}/evil`);
    Deno.writeTextFileSync(`${part}/new.txt`, "new");
    Deno.writeTextFileSync(`${path}/own ü.txt`, "own");
    const startsNothing = () => assert.throws(() => Deno.statSync(`${folder}/started`), Deno.errors.NotFound);
    assert.equal(await isChanged(place), true);
    startsNothing();
    assert.equal(await commitRest(place, base, "more"), 2);
    startsNothing();
    assert.equal(await isChanged(place), false);
    assert.equal(await git(path, "show", "HEAD:own ü.txt"), "own");
    await git(part, "-c", "core.fsmonitor=false", "add", ".");
    await git(part, "-c", "core.fsmonitor=false", "commit", "--quiet", "-m", "second");
    assert.equal(await commitRest(place, base, "the part has moved"), 3);
    const at = await git(part, "rev-parse", "HEAD");
    assert.match(await git(path, "ls-tree", "HEAD", "part"), new RegExp(at));
    startsNothing();
    // A submodule that is gone is one less.
    Deno.removeSync(part, { recursive: true });
    assert.equal(await commitRest(place, base, "without it"), 4);
    assert.equal(await git(path, "ls-tree", "HEAD", "part"), "");
  });
});
