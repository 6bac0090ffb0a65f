/** The types of "nerve" for editors and `deno check` in a workspace. Danger: a file of the user's own is overwritten. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const init = (cwd: string, ...argv: string[]) => nerve(cwd, "init", ...argv);
const read = (...path: string[]) => Deno.readTextFile(join(...path));

long.test("with the workspace's deno.json, deno check and editors find the types of nerve and drizzle-orm", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const wrong = `import type { SenseContext } from "nerve";
import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
const rows = sqliteTable("rows", { n: integer().notNull() });
export const name = (ctx: SenseContext): number => ctx.name;
export const row = (ctx: SenseContext): string[] => ctx.db.select().from(rows).all().map(({ n }) => n);
`;
    await Deno.writeTextFile(join(root, "senses/cpu-usage/wrong.ts"), wrong);
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "senses", "workflows"],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    const found = new TextDecoder().decode(stderr);
    assert.match(found, /'string' is not assignable to type 'number'[^]*wrong\.ts:4[^]*'number\[\]'[^]*wrong\.ts:5/);
    assert.match(found, /Found 2 errors/, "and none in what nerve wrote");
  });
});

// A workspace from elsewhere may hold any of them: a link had its target overwritten, and a pipe was waited for.
Deno.test("links in the place of nerve's files for editors are replaced, not followed, and pipes are not waited for", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    // Nothing that each validate would start.
    await Deno.writeTextFile(join(root, "nerve.yaml"), "senses: {}\n");
    const { imports } = JSON.parse(await read(root, "import_map.json")), entry = join(root, imports.nerve);
    const current = await Deno.readTextFile(entry), precious = join(root, "precious.txt");
    await Deno.writeTextFile(precious, "mine");
    const validate = () => runCli(["validate", "--no-types"], new CapturedIo({ cwd: root }));
    const pipe = (path: string) => assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
    for (const make of [(path: string) => Deno.symlinkSync(precious, path), pipe]) {
      await Deno.remove(entry);
      make(entry);
      assert.equal(await validate(), 0);
      assert.equal(await Deno.readTextFile(entry), current);
    }
    for (const name of ["import_map.json", "deno.json", ".nerve-init.json"]) {
      await Deno.remove(join(root, name));
      pipe(join(root, name));
      assert.equal(await validate(), 0, name);
    }
    assert.equal(await Deno.readTextFile(precious), "mine");
  });
});

long.test("the types for editors are in the workspace, and stay when the nerve that created it is gone", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const { imports } = JSON.parse(await read(root, "import_map.json"));
    assert.deepEqual(Object.values(imports).filter((target) => String(target).startsWith("file:")), []);
    const entry = join(root, imports.nerve), current = await Deno.readTextFile(entry);
    const validate = async () => {
      const io = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["validate", "--no-types"], io), 0, io.err);
      return io.err;
    };
    // Written by another nerve, or missing, as after a clone of the workspace, whose .gitignore names them.
    await Deno.writeTextFile(entry, "export type SenseContext = never;\n");
    await validate();
    assert.equal(await Deno.readTextFile(entry), current);
    await Deno.remove(join(root, ".nerve"), { recursive: true });
    await validate();
    assert.equal(await Deno.readTextFile(entry), current);
    assert.match(await read(root, ".gitignore"), /^\.nerve\/$/m);
    // Files that cannot be written are reported, and nothing else is.
    await Deno.remove(join(root, ".nerve"), { recursive: true });
    await Deno.writeTextFile(join(root, ".nerve"), "a file of the user's\n");
    assert.match(await validate(), /^\S+ the types for editors in \.nerve\/types are not up to date: .*\n$/);
    assert.equal(await read(root, ".nerve"), "a file of the user's\n");
  });
});

long.test("a deno.json that points into an older nerve is updated, unless the user changed it", async () => {
  const old = `{ "imports": { "nerve": "file:///home/one/.cache/nerve/0123/app/src/sdk/mod.ts" } }\n`;
  for (const own of [false, true]) {
    await inTempDir(async (root) => {
      await init(root, ".");
      await Deno.remove(join(root, ".nerve"), { recursive: true });
      await Deno.writeTextFile(join(root, "deno.json"), old);
      const manifest = JSON.parse(await read(root, ".nerve-init.json"));
      if (!own) manifest["deno.json"] = createHash("sha256").update(old).digest("hex");
      await Deno.writeTextFile(join(root, ".nerve-init.json"), JSON.stringify(manifest));
      assert.equal(await runCli(["validate", "--no-types"], new CapturedIo({ cwd: root })), 0);
      if (own) {
        assert.equal(await read(root, "deno.json"), old);
        await assert.rejects(Deno.stat(join(root, ".nerve")), Deno.errors.NotFound);
      } else {
        assert.match(await read(root, "deno.json"), /"importMap": "\.\/import_map\.json"/);
        assert.match(await read(root, "import_map.json"), /"nerve": "\.\/\.nerve\/types\/sdk\/mod\.ts"/);
        await Deno.stat(join(root, ".nerve/types/sdk/mod.ts"));
      }
    });
  }
});

/** The output of `deno task` in `cwd` with an empty cache and an unreachable registry. */
async function taskOffline(cwd: string) {
  const cache = await Deno.makeTempDir({ prefix: "nerve-cache-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--eval", "echo it ran"],
      cwd,
      env: { DENO_DIR: cache, NPM_CONFIG_REGISTRY: "http://127.0.0.1:1", NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}

long.test("a task of the workspace runs without network, also in a workspace of an older nerve", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    assert.deepEqual(await taskOffline(root).then(({ code, out }) => [code, out]), [0, "it ran\n"]);
    const { importMap: _, ...rest } = JSON.parse((await read(root, "deno.json")).replace(/^\/\/.*/, ""));
    const old = JSON.stringify({ ...JSON.parse(await read(root, "import_map.json")), ...rest }, null, 2);
    const put = async (asWritten: boolean) => {
      await Deno.writeTextFile(join(root, "deno.json"), old);
      const manifest = JSON.parse(await read(root, ".nerve-init.json"));
      manifest["deno.json"] = asWritten ? createHash("sha256").update(old).digest("hex") : "of another text";
      await Deno.writeTextFile(join(root, ".nerve-init.json"), JSON.stringify(manifest));
      await Deno.remove(join(root, ".nerve"), { recursive: true });
      assert.equal(await runCli(["validate", "--no-types"], new CapturedIo({ cwd: root })), 0);
      await Deno.stat(join(root, ".nerve/types/sdk/mod.ts"));
      return await read(root, "deno.json");
    };
    await Deno.remove(join(root, "import_map.json"));
    assert.equal(await put(false), old, "the user's stays, and its types are kept up to date");
    assert.equal((await taskOffline(root)).code, 1, "else this test would not see a registry that is asked");
    await Deno.writeTextFile(join(root, "import_map.json"), "{}");
    assert.equal(await put(true), old, "an import map of the user's is not led to");
    await Deno.remove(join(root, "import_map.json"));
    assert.notEqual(await put(true), old);
    assert.deepEqual(await taskOffline(root).then(({ code, out }) => [code, out]), [0, "it ran\n"]);
  });
});

long.test("nerve/peers/NAME has the types of a sense's schema, and follows nerve.yaml; other entries stay", async () => {
  await inTempDir(async (root) => {
    await init(root, ".");
    const imports = async () => JSON.parse(await read(root, "import_map.json")).imports;
    assert.equal((await imports())["nerve/peers/disk-usage"], "./senses/disk-usage/schema.ts");
    const map = JSON.parse(await read(root, "import_map.json"));
    map.imports["mine"] = "./lib/mine.ts";
    await Deno.writeTextFile(join(root, "import_map.json"), JSON.stringify(map));
    assert.equal((await nerve(root, "sense", "add", "disk-usage", "--as", "srv-disk")).code, 0);
    assert.equal((await nerve(root, "validate", "--no-types")).code, 0);
    const { mine, ...rest } = await imports();
    assert.deepEqual([mine, rest["nerve/peers/srv-disk"]], ["./lib/mine.ts", "./senses/disk-usage/schema.ts"]);
    await Deno.writeTextFile(
      join(root, "senses/cpu-usage/wrong.ts"),
      'import type { readings } from "nerve/peers/srv-disk";\nexport const n: typeof readings.$inferSelect.used = "x";\n',
    );
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "senses/cpu-usage/wrong.ts"],
      cwd: root,
      env: { NO_COLOR: "1" },
    }).output();
    assert.match(new TextDecoder().decode(stderr), /'string' is not assignable to type 'number'/);
  });
});

Deno.test("a workspace without deno.json gets nothing for editors", async () => {
  await inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, "nerve.yaml"), "senses: {}\n");
    assert.equal(await runCli(["validate", "--no-types"], new CapturedIo({ cwd: root })), 0);
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["nerve.yaml"]);
  });
});
