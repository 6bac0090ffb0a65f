/** `nerve sense learn`, on a real process under Deno's audit. The day the audit changes its words, this says so. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { senseLearnOutput } from "../../../src/cli/outputs.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const compute = `export async function compute({ sqlite, config }) {
  sqlite.exec("create table if not exists t (a)");
  Deno.readTextFileSync(config.outside + "/read-me");
  try { Deno.hostname(); } catch { /* refused */ }
  try { await Deno.connect({ hostname: "127.0.0.1", port: 9 }); } catch { /* refused */ }
  new Deno.Command("uptime").outputSync();
}`;

Deno.test("nerve sense learn prints the smallest permissions and the difference, and leaves nothing behind", async () => {
  await inTempDir(async (outside) => {
    await writeWorkspace(outside, { "read-me": "x" });
    await inTempDir(async (root) => {
      await writeWorkspace(root, {
        "nerve.yaml":
          `senses: { s: { permissions: { read: [${outside}, /usr], env: [EXAMPLE] }, config: { outside: ${outside} } } }`,
        "senses/s/index.ts": compute,
      });
      const io = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["sense", "learn", "s", "--for", "1500ms", "--json"], io), 0, io.err);
      const { needed, missing, unused, errors, ended } = senseLearnOutput.parse(JSON.parse(io.out));
      assert.deepEqual(needed, {
        read: [`${outside}/read-me`],
        net: ["127.0.0.1:9"],
        run: ["uptime"],
        sys: ["hostname"],
      });
      assert.deepEqual(missing, { net: ["127.0.0.1:9"], run: ["uptime"], sys: ["hostname"] });
      assert.deepEqual(unused, { read: ["/usr"], env: ["EXAMPLE"] });
      assert.match(errors.join(), /Requires run access to "uptime"/);
      assert.equal(ended, null);
      assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["nerve.yaml", "senses"]);
      const text = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["sense", "learn", "s", "--for", "1500ms"], text), 0, text.err);
      assert.match(text.out, /the smallest permissions:\n {2}permissions:\n {4}read:\n {6}- .*read-me\n/);
      assert.match(text.out, /\n {2}\+ run: uptime\n/);
      assert.match(text.out, /\n {2}- read: \/usr\n/);
      const unknown = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["sense", "learn", "nobody"], unknown), 1);
    });
  });
});
