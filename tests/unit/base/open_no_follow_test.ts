/** Opening without links. Danger: a program swaps a folder for a link between nerve's check and its opening. */
import assert from "node:assert/strict";
import { inNoFollow } from "../../../src/base/open_no_follow.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test({
  name: "a link in the way of a folder is not followed, and where a folder was opened nothing can be put in the way",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inTempDir((folder) => {
      const root = Deno.realPathSync(folder);
      for (const path of ["out/b", "secret/b"]) Deno.mkdirSync(`${root}/${path}`, { recursive: true });
      inNoFollow(`${root}/out/b`, (opened) => {
        Deno.renameSync(`${root}/out`, `${root}/before`);
        Deno.symlinkSync("secret", `${root}/out`);
        Deno.mkdirSync(`${opened}/made`);
      });
      assert.deepEqual([...Deno.readDirSync(`${root}/secret/b`)], []);
      assert.ok(Deno.statSync(`${root}/before/b/made`).isDirectory);
      const refused = /a link was put in the way/;
      assert.throws(() => inNoFollow(`${root}/out/b`, assert.fail), refused, "on the way");
      assert.throws(() => inNoFollow(`${root}/out`, assert.fail), refused, "at its end");
      inNoFollow(`${root}/nowhere/b`, assert.fail);
      return Promise.resolve();
    }),
});
