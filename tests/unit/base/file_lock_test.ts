/** Danger: a program that another thread starts inherits the open file for a moment, and with it the lock. */
import assert from "node:assert/strict";
import { unlockAndClose } from "../../../src/base/file_lock.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const starter = `for (let left = 60; left > 0; left--) await new Deno.Command("true").output();
postMessage("done");`;

Deno.test("a lock that was released is free at once, whatever is started meanwhile", async () => {
  await inTempDir(async (folder) => {
    const worker = new Worker(`data:application/javascript,${encodeURIComponent(starter)}`, { type: "module" });
    let starting = true;
    worker.onmessage = () => starting = false;
    for (let count = 0; starting; count++) {
      const file = await Deno.open(`${folder}/lock`, { create: true, write: true });
      assert.equal(await file.tryLock(true), true, `it was held the ${count}. time`);
      unlockAndClose(file);
    }
    worker.terminate();
  });
});
