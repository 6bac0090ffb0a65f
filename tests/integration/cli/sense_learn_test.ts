/** `nerve sense learn`, on a real process under Deno's audit: fails when a new Deno words its audit differently. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { senseLearnOutput } from "../../../src/cli/render/json_schemas.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

/** The output of learning after the first period in which a compute ended: a busy machine needs a longer one. */
async function learned(root: string, ...flags: string[]): Promise<CapturedIo> {
  for (let seconds = 1.5;; seconds *= 6) {
    const io = new CapturedIo({ cwd: root });
    const code = await runCli(["sense", "learn", "s", "--for", `${seconds * 1_000}ms`, ...flags], io);
    if (code === 0) return io;
    assert.ok(seconds < 60, io.err + io.out);
  }
}

const compute = `export async function compute({ sqlite, config }) {
  sqlite.exec("create table if not exists t (a)");
  Deno.readTextFileSync(config.outside + "/read-me");
  try { Deno.hostname(); } catch { /* refused */ }
  try { await Deno.connect({ hostname: "127.0.0.1", port: 9 }); } catch { /* refused */ }
  new Deno.Command("uptime").outputSync();
}`;

Deno.test("nerve sense learn prints the smallest permissions and the differences, and leaves nothing behind", async () => {
  await inTempDir(async (outside) => {
    await writeWorkspace(outside, { "read-me": "x" });
    await inTempDir(async (root) => {
      await writeWorkspace(root, {
        "nerve.yaml":
          `senses: { s: { permissions: { read: [${outside}, /usr], env: [EXAMPLE] }, config: { outside: ${outside} } } }`,
        "senses/s/index.ts": compute,
      });
      const io = await learned(root, "--json");
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
      const text = await learned(root);
      assert.match(text.out, /the smallest permissions:\n {2}permissions:\n {4}read:\n {6}- .*read-me\n/);
      assert.match(text.out, /\n {2}\+ run: uptime\n/);
      assert.match(text.out, /\n {2}- read: \/usr\n/);
      const unknown = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["sense", "learn", "nobody"], unknown), 1);
    });
  });
});
