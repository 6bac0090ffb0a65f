/** Where a granted path leads. Danger: a link that a unit's program made gives its target to another unit. */
import assert from "node:assert/strict";
import { listChangeable, resolveGrantedPath } from "../../../src/base/granted_path.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function inFolders(test: (root: string, link: (at: string, to: string) => void) => void): Promise<void> {
  return inTempDir((folder) => {
    const root = Deno.realPathSync(folder);
    for (const path of ["out/b", "out/c", "out/releases/7", "secret", "big/x"]) {
      Deno.mkdirSync(`${root}/${path}`, { recursive: true });
    }
    test(root, (at, to) => {
      Deno.removeSync(`${root}/${at}`, { recursive: true });
      Deno.symlinkSync(to, `${root}/${at}`);
    });
    return Promise.resolve();
  });
}

Deno.test("a link that a unit may have made is followed only within what that unit may write", () =>
  inFolders((root, link) => {
    const changeable = listChangeable([`${root}/out`]);
    const lead = (path: string) => {
      const { path: to, foreignLink } = resolveGrantedPath(`${root}/${path}`, changeable);
      return [to.slice(root.length + 1), foreignLink?.link.slice(root.length + 1) ?? null];
    };
    assert.deepEqual(lead("out/b"), ["out/b", null]);
    assert.deepEqual(lead("out/later/too"), ["out/later/too", null], "what is not there yet");
    link("out/b", `${root}/secret`);
    assert.deepEqual(lead("out/b"), ["secret", "out/b"]);
    assert.deepEqual(lead("out/b/deep"), ["secret/deep", "out/b"], "a link above the path");
    link("out/b", "../out/c/../../secret");
    assert.deepEqual(lead("out/b"), ["secret", "out/b"], "a relative one");
    link("out/c", "../secret");
    link("out/b", "c");
    assert.deepEqual(lead("out/b"), ["secret", "out/b"], "one after the other");
    link("out/b", "releases/7");
    assert.deepEqual(lead("out/b"), ["out/releases/7", null], "current -> releases/7");
    link("big", `${root}/secret`);
    assert.deepEqual(lead("big/key"), ["secret/key", null], "a link that only the user can have made");
    link("out/b", "b");
    assert.deepEqual(lead("out/b")[1], null, "a circle leads nowhere, and does not hang");
  }));

Deno.test("who may write less than the folder above is held to that", () =>
  inFolders((root, link) => {
    link("out/c", "../out/releases");
    assert.equal(resolveGrantedPath(`${root}/out/c`, listChangeable([`${root}/out`])).foreignLink, null);
    Deno.mkdirSync(`${root}/out/b/in`);
    link("out/b/in", "../releases");
    const both = listChangeable([`${root}/out`, `${root}/out/b`]);
    assert.equal(resolveGrantedPath(`${root}/out/b/in`, both).foreignLink?.folder, `${root}/out/b`);
  }));

Deno.test("the folders of units are known where they really are, and a link to / makes no other link suspect", () =>
  inFolders((root, link) => {
    Deno.symlinkSync("big", `${root}/way`);
    link("big/x", "/");
    const changeable = listChangeable([`${root}/way`, `${root}/way/x`]);
    assert.ok(changeable.has(`${root}/big`) && !changeable.has("/"));
    assert.equal(resolveGrantedPath(`${root}/way/x`, changeable).foreignLink?.link, `${root}/big/x`);
    assert.equal(resolveGrantedPath(`${root}/way`, changeable).foreignLink, null);
    assert.equal(resolveGrantedPath("/proc/self/status", changeable).path, "/proc/self/status");
  }));

// Only the links of /proc itself are left alone, not those of a folder whose name begins the same way.
Deno.test({
  name: "a folder such as /process is none of /proc",
  ignore: Deno.uid() !== 0,
  fn: () => {
    const root = Deno.makeTempDirSync({ dir: "/", prefix: "process-" });
    try {
      Deno.mkdirSync(`${root}/out`);
      Deno.symlinkSync(`${root}/secret`, `${root}/out/b`);
      const { foreignLink } = resolveGrantedPath(`${root}/out/b`, listChangeable([`${root}/out`]));
      assert.equal(foreignLink?.link, `${root}/out/b`);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  },
});
