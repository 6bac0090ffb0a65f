/**
 * Changes of files other than edits: folders renamed, names that differ in case or are not ASCII, unreadable files, a
 * nerve.yaml that is a link or not a file at all. After each the kernel is where a fresh start would be, or still where
 * it was, with the reason.
 */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { configured } from "../../support/reload_world.ts";
import { makeWorkspace, startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const senseThatSays = (word: string) => `export const compute = () => ({ word: ${JSON.stringify(word)} });\n`;

/** Waits until the kernel is where a fresh start on these files would be. */
async function becomesAsFresh(workspace: WorkspaceFixture, what: string): Promise<void> {
  await using fresh = await makeWorkspace({});
  for (const part of ["nerve.yaml", "senses", "lib"]) {
    const args = ["-rL", join(workspace.root, part), fresh.root];
    await new Deno.Command("cp", { args, stderr: "null" }).output();
  }
  await fresh.start();
  const expected = JSON.stringify(configured(fresh));
  const reached = async () => {
    while (JSON.stringify(configured(workspace)) !== expected) await delay(systemClock, 20);
  };
  await within(reached(), what, () => `${expected}\n${JSON.stringify(configured(workspace))}`);
}

async function wordOf(workspace: WorkspaceFixture, sense: string): Promise<string> {
  return (await workspace.payload(sense) as { word: string }).word;
}

long.test("a sense's folder renamed together with its entry is a new sense, and its neighbour keeps its process", async () => {
  await using workspace = await startWorkspace({
    senses: { old: senseThatSays("old"), other: senseThatSays("other") },
    watch: true,
  });
  assert.equal(await wordOf(workspace, "old"), "old");
  await workspace.payload("other");
  const neighbour = workspace.pid("other"), at = (name: string) => join(workspace.root, "senses", name);
  // First the folder: the entry without a folder is wrong, and everything stays as it was.
  Deno.renameSync(at("old"), at("new"));
  await workspace.problem("kernel", /nerve\.yaml was refused.*senses\.old/);
  assert.equal(await wordOf(workspace, "old"), "old");
  workspace.write("nerve.yaml", stringify({ senses: { new: {}, other: {} } }));
  await becomesAsFresh(workspace, "the new name");
  assert.equal(await wordOf(workspace, "new"), "old");
  assert.equal(workspace.kernel.api.sense("old"), null);
  assert.equal(workspace.pid("other"), neighbour);
});

long.test("files whose names differ in case or in Unicode normalization are two files", async () => {
  // Composed and decomposed: different names to the system.
  const names = ["Word.ts", "word.ts", "w\u00f6rd \u{1f600}.ts", "wo\u0308rd.ts"];
  await using workspace = await startWorkspace({
    senses: { a: senseThatSays("none") },
    files: Object.fromEntries(names.map((name) => [`lib/${name}`, `export const word = ${JSON.stringify(name)};\n`])),
    watch: true,
  });
  for (const name of names) {
    const from = workspace.events.length, path = JSON.stringify(`../../lib/${encodeURIComponent(name)}`);
    workspace.write("senses/a/index.ts", `import { word } from ${path};\nexport const compute = () => ({ word });\n`);
    await workspace.log("group:a", /its files changed/, from);
    assert.equal(await wordOf(workspace, "a"), name);
    const again = workspace.events.length;
    workspace.write(`lib/${name}`, `export const word = ${JSON.stringify(`${name}, again`)};\n`);
    await workspace.log("group:a", /its files changed/, again);
    assert.equal(await wordOf(workspace, "a"), `${name}, again`);
  }
  // By case alone, in one step.
  const from = workspace.events.length, at = (name: string) => join(workspace.root, "lib", name);
  workspace.write("senses/a/index.ts", senseThatSays("WORD"));
  Deno.renameSync(at("Word.ts"), at("WORD.ts"));
  await workspace.log("group:a", /its files changed/, from);
  assert.equal(await wordOf(workspace, "a"), "WORD");
});

long.test("a nerve.yaml that is a link is followed; a folder or a broken link in its place changes nothing", async () => {
  await using workspace = await startWorkspace({
    senses: { a: senseThatSays("a"), b: senseThatSays("b") },
    watch: true,
  });
  const { configFile } = workspace.paths,
    text = (...names: string[]) => stringify({ senses: Object.fromEntries(names.map((name) => [name, {}])) });
  workspace.write("etc/one.yaml", text("a"));
  workspace.write("etc/two.yaml", text("a", "b"));
  const turn = (to: string) => {
    Deno.symlinkSync(to, `${configFile}.new`);
    Deno.renameSync(`${configFile}.new`, configFile);
  };
  turn("etc/one.yaml");
  await becomesAsFresh(workspace, "the link");
  // The target is written, outside of everything that is watched.
  workspace.write("etc/one.yaml", text("a", "b"));
  await becomesAsFresh(workspace, "the text behind the link");
  workspace.write("etc/one.yaml", text("a"));
  await becomesAsFresh(workspace, "the text behind the link, again");
  turn("etc/two.yaml");
  await becomesAsFresh(workspace, "another link");
  for (
    const [odd, make] of Object.entries({
      "is not a file": () => Deno.mkdirSync(configFile),
      "does not exist": () => Deno.symlinkSync("etc/three.yaml", configFile),
      "cannot be read": () => Deno.symlinkSync("nerve.yaml", configFile),
    })
  ) {
    const from = workspace.events.length;
    Deno.removeSync(configFile);
    make();
    await workspace.problem("kernel", new RegExp(`nerve\\.yaml was refused.*${odd}`), from);
    assert.deepEqual(workspace.kernel.api.senses().map(({ name }) => name), ["a", "b"]);
    await Deno.remove(configFile);
    turn("etc/two.yaml");
    await within(
      (async () => {
        while (workspace.health().configError !== null) await delay(systemClock, 20);
      })(),
      "the good file",
    );
  }
});

long.test("an unreadable file affects only its sense, and is loaded once it is readable", async () => {
  await using workspace = await startWorkspace({
    senses: { a: senseThatSays("a"), b: senseThatSays("b") },
    watch: true,
  });
  for (const name of ["a", "b"]) await workspace.payload(name);
  const neighbour = workspace.pid("b"), entry = join(workspace.root, "senses/a/index.ts");
  // Fails also for root: a link to itself.
  Deno.removeSync(entry);
  Deno.symlinkSync("index.ts", entry);
  await workspace.problem("kernel", /cannot be (read|watched)|refused/);
  assert.equal(await wordOf(workspace, "a"), "a", "the process with the old code keeps running");
  Deno.removeSync(entry);
  workspace.write("senses/a/index.ts", senseThatSays("mended"));
  await within(
    (async () => {
      while (await wordOf(workspace, "a") !== "mended") await delay(systemClock, 20);
    })(),
    "the mended code",
  );
  assert.equal(workspace.pid("b"), neighbour);
  await becomesAsFresh(workspace, "a fresh start");
});
