/** What holds for every sense and workflow of the library, also for those that come later. */
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { readLibraryFiles, readLibraryYaml } from "../../../src/cli/scaffold/library.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { checkedConfig } from "../../../src/sdk/sense.ts";
import { documented } from "../../support/library.ts";
import { openMigrated } from "../../support/sense_database.ts";
import { readSource, repository, sourceFiles } from "../../support/source_files.ts";

const linesMax = 300;

function names(kind: "senses" | "workflows"): string[] {
  return [...Deno.readDirSync(join(repository, kind))].map(({ name }) => name).sort();
}
const folders = (["senses", "workflows"] as const).flatMap((kind) => names(kind).map((name) => ({ kind, name })));

/** The modules that a module imports, by the texts of its import and export statements. */
function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, specifier = ""]) => specifier);
}

for (const { kind, name } of folders) {
  Deno.test(`${kind}/${name} as copied contains everything that it imports, and imports nothing else`, () => {
    const files = readLibraryFiles(kind, name);
    assert.ok(files.size > 1);
    for (const [path, bytes] of files) {
      assert.ok(path.startsWith(`${kind}/${name}/`) || path.startsWith("lib/"), path);
      if (!path.endsWith(".ts")) continue;
      for (const specifier of importsOf(new TextDecoder().decode(bytes))) {
        const isOwn = specifier.startsWith(".") && files.has(join(dirname(path), specifier));
        const isGiven =
          /^(nerve|zod|feedsmith|d3-scale|d3-shape|drizzle-orm(\/.+)?|node:(os|path|url|util|crypto|buffer))$/.test(
            specifier,
          );
        assert.ok(isOwn || isGiven, `${path} imports ${specifier}`);
        assert.ok(!path.startsWith("lib/") || !specifier.includes("/senses/"), `${path} imports ${specifier}`);
      }
    }
  });

  Deno.test(`${kind}/${name} has no file over ${linesMax} lines`, () => {
    for (const [path, bytes] of readLibraryFiles(kind, name)) {
      const lines = new TextDecoder().decode(bytes).split("\n").length - 1;
      assert.ok(lines <= linesMax, `${path} has ${lines} lines`);
    }
  });
}

for (const name of names("senses")) {
  Deno.test(`senses/${name} creates the tables of its schema in an empty database, once`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const time of ["first", "second"]) {
        const migrations = join(repository, "senses", name, "migrations");
        const { sqlite, problems } = await openMigrated(join(folder, "sense.db"), migrations);
        assert.deepEqual(problems, [], time);
        const exported: Record<string, unknown> = await import(
          `file://${join(repository, "senses", name, "schema.ts")}`
        );
        const tables = Object.values(exported).filter((value): value is SQLiteTable => is(value, SQLiteTable));
        assert.ok(tables.length > 0);
        for (const { name: table, columns } of tables.map(getTableConfig)) {
          const rows = sqlite.prepare('select name, "notnull", pk from pragma_table_info(?)').all(table);
          const made = rows.map((row) => [row.name, Boolean(row.notnull) || Boolean(row.pk)]);
          assert.deepEqual(made, columns.map((column) => [column.name, column.notNull || column.primary]), table);
        }
        const all = sqlite.prepare(
          "select name from sqlite_schema where type = 'table' and name not like '\\_%' escape '\\'",
        );
        assert.deepEqual(
          all.all().map((row) => String(row.name)).filter((each) => !each.startsWith("sqlite_")).sort(),
          tables.map((table) => getTableConfig(table).name).sort(),
        );
        sqlite.close();
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  Deno.test(`senses/${name} prunes its rows after the configured time`, () => {
    const source = sourceFiles([`senses/${name}`], ".ts").map(readSource).join("\n");
    assert.match(source, /\bkeep: option\.duration\("\d+d"\)/);
    assert.match(source, /\bprune\((db|tx), /);
    assert.doesNotMatch(source, /\blt\(/, "old rows go by prune");
  });
}

Deno.test("the whole library in one workspace is a valid configuration", () => {
  const sections = new Map<string, string[]>();
  for (const { kind, name } of folders) {
    for (const [section, lines] of readLibraryYaml(kind, name)) {
      sections.set(section, [...sections.get(section) ?? [], ...lines]);
    }
  }
  const text = [...sections].map(([section, lines]) => `${section}:\n${lines.join("\n")}\n`).join("");
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.error));
  assert.deepEqual([...parsed.value.config.senses.keys()].sort(), names("senses"));
  assert.deepEqual([...parsed.value.config.workflows.keys()].sort(), names("workflows"));
  // Commented settings must be valid once they are uncommented: all of them at once.
  const full = parse(text.replaceAll(/^( +)# (\w+:.*)$/gm, "$1$2"));
  assert.equal(Object.keys(full.senses).length, names("senses").length);
});

Deno.test("a wrong setting of any sense or workflow of the library is found before it runs", async () => {
  // The bug was: `nerve validate` was silent about it, since they read their settings in their computes and roles only.
  for (const { kind, name } of folders) {
    const module: Record<string, unknown> = await import(`file://${join(repository, kind, name, "index.ts")}`);
    const declared = kind === "senses" ? module.compute : module.default;
    const check: unknown = Reflect.get(Object(declared), checkedConfig);
    assert.ok(typeof check === "function", `${kind}/${name} declares no config`);
    const { config } = documented(kind, name);
    check(config ?? {});
    assert.throws(() => check({ ...config, treshold: 1 }), /config\.treshold is not known/, name);
  }
});
