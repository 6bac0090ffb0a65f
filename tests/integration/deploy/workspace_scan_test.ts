/** What a scan finds in a workspace, on a real file system. */
import assert from "node:assert/strict";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { WorkspaceScan } from "../../../src/deploy/workspace_scan.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { join } from "../../support/paths.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("a scan distinguishes content and times, and survives circular links, sockets and broken links", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: {}\n",
      "lib/a.ts": "one",
      "senses/s/index.ts": "x",
      "other/n": "",
    });
    Deno.symlinkSync("..", join(root, "lib/circle"));
    Deno.symlinkSync("nowhere", join(root, "lib/.#a.ts"));
    Deno.symlinkSync("itself", join(root, "lib/itself"));
    Deno.mkdirSync(join(root, "lib/.git"));
    Deno.writeTextFileSync(join(root, "lib/.git/x"), "");
    const scan = new WorkspaceScan(workspacePaths(root), new FakeClock()), first = await scan.scan();
    const paths = [...first.files.keys()];
    assert.ok(["nerve.yaml", "lib/a.ts", "senses/s/index.ts"].every((path) => paths.includes(path)), paths.join());
    assert.ok(!paths.some((path) => /^other\/|\.git\/|circle/.test(path)), paths.join());
    assert.equal((await scan.scan()).digest, first.digest);
    Deno.utimeSync(join(root, "lib/a.ts"), 1_000, 1_000);
    const touched = await scan.scan();
    assert.notEqual(touched.digest, first.digest);
    assert.equal(touched.files.get("lib/a.ts")?.hash, first.files.get("lib/a.ts")?.hash);
    // Same size, same time: only the inode differs.
    Deno.writeTextFileSync(join(root, "lib/new"), "two");
    Deno.utimeSync(join(root, "lib/new"), 1_000, 1_000);
    Deno.renameSync(join(root, "lib/new"), join(root, "lib/a.ts"));
    assert.notEqual((await scan.scan()).files.get("lib/a.ts")?.hash, touched.files.get("lib/a.ts")?.hash);
  });
});
