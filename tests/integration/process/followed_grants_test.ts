/**
 * Links on the way to granted paths, on real processes: those that the program of a unit made open nothing and hold only the
 * unit whose grant it is; those of the user lead where he wants.
 */
import assert from "node:assert/strict";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { makeWorkspace, startWorkspace } from "../../support/workspace_fixture.ts";

const count = `export const compute = ({ sqlite }) => {
  sqlite.exec("create table if not exists t (x); insert into t values (1)");
  return sqlite.prepare("select count(*) as n from t").get();
};`;

function wallTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: systemIsolation().landlock === 0, fn });
}

const folderReader = `export const compute = () => {
  try { return [...Deno.readDirSync("out/b")].map(({ name }) => name).sort(); } catch (error) { return error.name; }
};`;
const linker = `export const compute = () => {
  const args = ["-c", "rm -rf out/b && ln -s ../secret out/b"];
  const { code, stderr } = new Deno.Command("sh", { args }).outputSync();
  return [code, new TextDecoder().decode(stderr)];
};`;

// The bug was: b's next process got what the link leads to, behind both walls.
wallTest("a link that the program of another unit put in the place of a granted folder opens nothing", async () => {
  const grants = { read: ["./out", "/usr/bin"], write: ["./out"], run: ["sh", "rm", "ln"] };
  await using workspace = await startWorkspace({
    yaml: {
      senses: {
        a: { permissions: grants },
        b: { permissions: { read: ["./out/b"] }, keep_alive: true },
        other: {},
      },
    },
    senses: { a: linker, b: folderReader, other: count },
    files: { "out/b/mine.txt": "1", "secret/key.txt": "2" },
  });
  assert.deepEqual(await workspace.payload("b"), ["mine.txt"]);
  assert.deepEqual(await workspace.payload("a"), [0, ""]);
  const told = await workspace.trigger("b");
  assert.equal(told.kind, "group_down", JSON.stringify(told));
  assert.match(JSON.stringify(told), /GRANT_REPLACED: .*out\/b is not opened: it is a link that leads out of .*out /);
  assert.deepEqual(await workspace.payload("other"), { n: 1 }, "all others go on");
  const [row] = await workspace.rows({ source: "group:b", type: "group.said" });
  assert.match(JSON.stringify(row?.payload), /GRANT_REPLACED/);
  Deno.removeSync(`${workspace.root}/out/b`);
  workspace.write("out/b/new.txt", "3");
  workspace.kernel.api.resetSense("b");
  assert.deepEqual(await workspace.payload("b"), ["new.txt"], "it starts again by itself");
});

// The bug was: such a link refused nerve.yaml, and with it the start of everything.
Deno.test("what is found in the folder of one unit holds that unit, whole and told; the rest starts", async () => {
  await using workspace = await startWorkspace({
    yaml: {
      env_file: ".env",
      senses: { a: { group: "g", permissions: { write: ["./out"] } }, mate: { group: "g" }, other: {} },
    },
    senses: { a: count, mate: count, other: count },
    files: { ".env": "A=1\n", "out/x": "" },
  });
  await workspace.payload("mate");
  await workspace.stop();
  Deno.symlinkSync("../.env", `${workspace.root}/out/link`);
  await workspace.start();
  assert.deepEqual(await workspace.payload("other"), { n: 1 });
  const told = await workspace.trigger("mate");
  assert.equal(told.kind, "group_down");
  assert.match(JSON.stringify(told), /does not run: its group has sense a: write of .* covers env_file/);
  assert.equal(workspace.unit("g").state, "held");
  const [row] = await workspace.rows({ source: "sense:a", type: "sense.held" });
  assert.match(JSON.stringify(row?.payload), /covers env_file.* through the link/);
  Deno.removeSync(`${workspace.root}/out/link`);
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("mate"), { n: 2 });
  Deno.symlinkSync("../.env", `${workspace.root}/out/link`);
  const reloaded = await workspace.kernel.api.reload();
  assert.match(JSON.stringify(reloaded), /covers env_file/);
  assert.equal(workspace.unit("g").state, "held");
});

wallTest("a unit that may write a folder gains nothing by a link in the place of a grant of its own", async () => {
  const grants = { read: ["./out/b", "/usr/bin"], write: ["./out"], run: ["sh", "rm", "ln"] };
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { permissions: grants } } },
    senses: { a: linker },
    files: { "out/b/mine.txt": "1", "secret/key.txt": "2" },
  });
  assert.deepEqual(await workspace.payload("a"), [0, ""]);
  assert.match(JSON.stringify(await workspace.trigger("a")), /GRANT_REPLACED/);
});

wallTest(
  "links of the user lead where he wants, also to a folder that was replaced, and a unit's own within its folder",
  async () => {
    await using workspace = await makeWorkspace({
      yaml: {
        senses: {
          b: { permissions: { read: ["./way/b", "./out/current"], write: ["./out"] }, keep_alive: true },
        },
      },
      senses: {
        b: `export const compute = () => ["way/b", "out/current"].map((path) => Deno.readTextFileSync(path + "/x.txt"));`,
      },
      files: { "real/b/x.txt": "1", "out/releases/7/x.txt": "7", "out/releases/8/x.txt": "8", "new/b/x.txt": "2" },
    });
    Deno.symlinkSync("real", `${workspace.root}/way`);
    Deno.symlinkSync("releases/7", `${workspace.root}/out/current`);
    await workspace.start();
    assert.deepEqual(await workspace.payload("b"), ["1", "7"]);
    Deno.removeSync(`${workspace.root}/way`);
    Deno.symlinkSync("new", `${workspace.root}/way`);
    Deno.removeSync(`${workspace.root}/out/current`);
    Deno.symlinkSync("releases/8", `${workspace.root}/out/current`);
    assert.deepEqual(await workspace.payload("b"), ["2", "8"]);
  },
);
