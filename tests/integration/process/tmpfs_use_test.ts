/** Files that are kept in memory count as memory. Danger: a unit fills the machine's memory, and no process shows it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { measureTmpfs } from "../../../src/process/tmpfs_use.ts";
import { long } from "../../support/long_form.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const MiB = 1024 ** 2;

Deno.test("what a place in memory gained is measured, also under a granted folder and in removed files", {
  ignore: !canMount,
}, () =>
  inTempDir(async (folder) => {
    Deno.mkdirSync(join(folder, "on-disk"));
    using _disk = smallDisk(join(folder, "granted", "memory"), 64 * MiB);
    const memory = join(folder, "granted", "memory"),
      write = (name: string, bytes: number) => Deno.writeFileSync(join(memory, name), new Uint8Array(bytes).fill(1));
    write("there-before", 8 * MiB);
    const measured = async () =>
      await measureTmpfs([join(folder, "granted"), join(folder, "on-disk"), join(folder, "none")], Deno.pid) ?? -1;
    assert.equal(await measureTmpfs([join(folder, "on-disk"), join(folder, "none")], Deno.pid), null);
    assert.equal(await measured(), 0);
    Deno.mkdirSync(join(memory, "deep"));
    write("deep/file", 4 * MiB);
    Deno.writeFileSync(join(folder, "on-disk", "large"), new Uint8Array(MiB));
    const gained = await measured();
    assert.ok(gained >= 4 * MiB && gained < 4.1 * MiB, `${gained}`);
    using open = Deno.openSync(join(memory, "deep/file"));
    Deno.removeSync(join(memory, "deep/file"));
    assert.ok(open.statSync().size > 0 && await measured() >= 4 * MiB);
    // What others remove is no credit.
    Deno.removeSync(join(memory, "there-before"));
    await measured();
    write("again", 6 * MiB);
    assert.ok(await measured() >= 6 * MiB);
  }));

long.test(
  "a group that writes its memory limit into such a folder is ended for it",
  { ignore: !canMount },
  () =>
    inTempDir(async (folder) => {
      using _disk = smallDisk(join(folder, "memory"), 400 * MiB);
      const memory = join(folder, "memory");
      await using workspace = await startWorkspace({
        yaml: { senses: { hoard: { permissions: { write: [memory] } } }, groups: { hoard: { memory: "64MiB" } } },
        senses: {
          hoard: `export async function compute() {
          for (let n = 0; n < 45; n++) {
            Deno.writeFileSync("${memory}/" + n, new Uint8Array(8 * 2 ** 20).fill(1));
            await new Promise((done) => setTimeout(done, 60));
          }
          await new Promise(() => {});
        }`,
        },
      });
      const result = await workspace.trigger("hoard");
      assert.match(
        result.kind === "group_down" ? result.message : "",
        /ran out of its memory limit: used \d+\.\d MiB in all, \d+\.\d MiB of it in files that are kept in memory/,
      );
    }),
);
