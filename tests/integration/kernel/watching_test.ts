/**
 * Senses that watch files, observed through the whole kernel with real files. Danger: a file that came and that nobody
 * ever looks at; or a compute for each of ten thousand.
 */
import assert from "node:assert/strict";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

interface Told {
  readonly kind: string;
  readonly paths: readonly string[];
  readonly more: boolean;
  /** How many files there were. */
  readonly files: number;
}

const eye = `export async function compute({ trigger: { kind, paths, morePaths: more }, config }) {
  const files = (await Array.fromAsync(Deno.readDir(config.folder)).catch(() => [])).length;
  return { kind, paths, more, files };
}`;

function options(watch: readonly string[], entry: Readonly<Record<string, unknown>> = {}) {
  return {
    senses: { eye },
    files: { "in/old.txt": "old" },
    yaml: {
      senses: { eye: { permissions: { read: ["./in"] }, config: { folder: "in" } } },
      reflexes: [{ sense: "eye", watch, debounce: "50ms", ...entry }],
    },
  };
}

async function told(workspace: WorkspaceFixture): Promise<Told[]> {
  const rows = await workspace.rows({ source: "sense:eye", type: "sense.signal" });
  return rows.map(({ payload }) => (payload as unknown as { payload: Told }).payload);
}

/** Waits until every one of these paths was told. */
async function hears(workspace: WorkspaceFixture, ...paths: string[]): Promise<void> {
  const left = new Set(paths.map((path) => `${workspace.root}/${path}`));
  await workspace.waitFor((event: KernelEvent) => {
    if (event.kind !== "signal" || event.signal.sense !== "eye") return false;
    for (const path of (event.signal.payload as unknown as Told).paths) left.delete(path);
    return left.size === 0;
  }, `${paths.join(", ")} to be told`);
}

Deno.test("a sense is woken by what changes in its folder, with the names, and its row is the cause", async () => {
  await using workspace = await startWorkspace(options(["./in"]));
  workspace.write("in/new.txt", "a");
  workspace.write("in/deep/er/x", "b");
  await hears(workspace, "in/new.txt", "in/deep/er/x");
  const before = await told(workspace);
  assert.ok(before.every(({ kind, more, paths }) => kind === "watch" && !more && paths.length > 0));
  workspace.write("in/deep/er/y", "c");
  await hears(workspace, "in/deep/er/y");
  Deno.renameSync(`${workspace.root}/in/new.txt`, `${workspace.root}/in/moved.txt`);
  Deno.removeSync(`${workspace.root}/in/old.txt`);
  await hears(workspace, "in/moved.txt", "in/old.txt");
  const [signal] = await workspace.rows({ source: "sense:eye", type: "sense.signal" });
  const rows = await workspace.rows({ source: "sense:eye", type: "sense.paths_changed" });
  assert.equal(signal?.causeId, rows[0]?.id);
  assert.equal((rows[0]?.payload as { complete: boolean }).complete, true);
});

long.test("ten thousand files that come at once wake it once, and none is missed", async () => {
  await using workspace = await startWorkspace(options(["./in/*.txt"], { debounce: "1s" }));
  for (let n = 0; n < 10_000; n++) workspace.write(`in/${n}.txt`, "");
  workspace.write("in/no.csv", "");
  await workspace.signal("eye");
  const [first, ...others] = await told(workspace);
  assert.deepEqual(others, []);
  assert.equal(first?.files, 10_002);
  assert.equal(first?.paths.length, 1_000);
  assert.equal(first?.more, true);
  const [row] = await workspace.rows({ source: "sense:eye", type: "sense.paths_changed" });
  assert.equal((row?.payload as { changed: number }).changed, 10_000);
});

long.test("a glob tells what matches only, also in folders that are made later", async () => {
  await using workspace = await startWorkspace(options(["in/**/*.csv"]));
  workspace.write("in/a.txt", "");
  workspace.write("in/x/y/b.csv", "");
  await hears(workspace, "in/x/y/b.csv");
  workspace.write("in/x/y/c.csv", "");
  await hears(workspace, "in/x/y/c.csv");
  for (const { paths } of await told(workspace)) for (const path of paths) assert.match(path, /\.csv$/);
});

long.test("a folder may come later, go, and come again; one file may be watched, too", async () => {
  await using workspace = await startWorkspace(options(["in/later", "in/one.txt"]));
  workspace.write("in/later/a", "");
  await hears(workspace, "in/later/a");
  Deno.removeSync(`${workspace.root}/in/later`, { recursive: true });
  await workspace.waitFor(
    (event) => event.kind === "signal" && JSON.stringify(event.signal.payload).includes("/in/later/a"),
    "its removal to be told",
    workspace.events.length,
  );
  workspace.write("in/later/b", "");
  await hears(workspace, "in/later/b");
  workspace.write("in/one.txt", "1");
  await hears(workspace, "in/one.txt");
  Deno.writeTextFileSync(`${workspace.root}/in/.tmp`, "2");
  const from = workspace.events.length;
  Deno.renameSync(`${workspace.root}/in/.tmp`, `${workspace.root}/in/one.txt`);
  await workspace.signal("eye", from);
});

long.test("what changed while no daemon ran, or while its process died, is told afterwards", async () => {
  await using workspace = await startWorkspace(options(["in"]));
  workspace.write("in/a", "");
  await hears(workspace, "in/a");
  await workspace.stop();
  workspace.write("in/b", "");
  await workspace.start();
  await hears(workspace, "in/b");
  // Its code does not load: nobody has heard of it.
  workspace.write("senses/eye/index.ts", "this is no code");
  await workspace.kernel.api.reload();
  workspace.write("in/c", "");
  await workspace.problem("sense:eye", /cannot be loaded/);
  await workspace.stop();
  workspace.write("senses/eye/index.ts", eye);
  await workspace.start();
  await hears(workspace, "in/c");
  const from = workspace.events.length;
  await workspace.stop();
  await workspace.start();
  workspace.write("in/d", "");
  await hears(workspace, "in/d");
  const later = workspace.events.slice(from).flatMap((event) => event.kind === "signal" ? [event.signal.payload] : []);
  assert.ok(later.every((payload) => JSON.stringify(payload).includes("/in/d")), "an old change was told again");
});

Deno.test("links are not followed out of what the sense may read", async () => {
  const secret = await Deno.makeTempDir();
  try {
    Deno.writeTextFileSync(`${secret}/key`, "");
    await using workspace = await startWorkspace(options(["in", "in/way"]));
    Deno.symlinkSync(secret, `${workspace.root}/in/way`);
    await hears(workspace, "in/way");
    await workspace.problem("sense:eye", /in\/way leads to .*, which the sense may not read/);
    Deno.writeTextFileSync(`${secret}/other`, "");
    workspace.write("in/last", "");
    await hears(workspace, "in/last");
    for (const { paths } of await told(workspace)) for (const path of paths) assert.doesNotMatch(path, /key|other/);
  } finally {
    await Deno.remove(secret, { recursive: true });
  }
});

long.test("a watched folder may be a link into what the sense may read, and lead elsewhere later", async () => {
  const given = options(["in/now"]);
  await using workspace = await startWorkspace({ ...given, files: { "in/v1/a": "1", "in/v2/b": "2" } });
  Deno.symlinkSync("v1", `${workspace.root}/in/now`);
  workspace.write("in/v1/c", "");
  await hears(workspace, "in/now/c");
  Deno.removeSync(`${workspace.root}/in/now`);
  Deno.symlinkSync("v2", `${workspace.root}/in/now`);
  await hears(workspace, "in/now/b");
});
