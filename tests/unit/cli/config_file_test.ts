/** nerve.yaml as a file that a command changes. Danger: the user's own text is lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readConfigText, replaceConfigText } from "../../../src/cli/scaffold/config_file.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("the new text replaces the old, and mode and link stay", () =>
  inTempDir(async (root) => {
    const real = join(root, "real.yaml"), link = join(root, "nerve.yaml");
    await Deno.writeTextFile(real, "\ufeffold");
    await Deno.chmod(real, 0o640);
    await Deno.symlink("real.yaml", link);
    const old = await readConfigText(link);
    assert.equal(old, "\ufeffold", "a byte order mark is text too");
    await replaceConfigText(link, old, "new");
    assert.ok(Deno.lstatSync(link).isSymlink);
    assert.equal(await Deno.readTextFile(real), "new");
    assert.equal((Deno.statSync(real).mode ?? 0) & 0o777, 0o640);
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["nerve.yaml", "real.yaml"]);
  }));

Deno.test("a file that changed in the meantime is not overwritten, and no other file is left beside it", () =>
  inTempDir(async (root) => {
    const path = join(root, "nerve.yaml");
    await Deno.writeTextFile(path, "changed");
    await assert.rejects(replaceConfigText(path, "old", "new"), { code: "CONFIG_INVALID" });
    assert.equal(await Deno.readTextFile(path), "changed");
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["nerve.yaml"]);
  }));

Deno.test("a file that is not UTF-8 is rejected, not repaired", () =>
  inTempDir(async (root) => {
    const path = join(root, "nerve.yaml");
    await Deno.writeFile(path, new Uint8Array([0xff, 0xfe, 0x41]));
    await assert.rejects(readConfigText(path), { code: "CONFIG_INVALID" });
    await assert.rejects(readConfigText(join(root, "none")), Deno.errors.NotFound);
  }));
