/** Checks the README of each sense and workflow: the entry that `nerve init` pastes, and its promises to a reader. */
import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { parseNerveConfig } from "../../src/config/parse.ts";
import { parseDuration } from "../../src/sdk/mod.ts";
import { documentPaths, readDocument } from "../support/documents.ts";
import { documented, pasteBlock } from "../support/library.ts";
import { repository } from "../support/source_files.ts";

const senses = folders("senses"), workflows = folders("workflows");

function folders(kind: string): string[] {
  return [...Deno.readDirSync(`${repository}/${kind}`)].filter((entry) => entry.isDirectory).map(({ name }) => name)
    .sort();
}

function files(folder: string): string[] {
  return [...Deno.readDirSync(`${repository}/${folder}`)].map(({ name }) => name).sort();
}

Deno.test("the library has these senses and workflows", () => {
  assert.deepEqual(senses, [
    "containers",
    "cpu-usage",
    "database-query",
    "directory-watch",
    "disk-usage",
    "dns-answers",
    "feed-watch",
    "git-status",
    "http-check",
    "load",
    "log-pattern",
    "memory-usage",
    "network-counters",
    "package-updates",
    "ping",
    "port-check",
    "process-watch",
    "smart",
    "systemd-units",
    "temperature",
    "tls-expiry",
    "url-change",
  ]);
  assert.deepEqual(workflows, [
    "backup-folder",
    "cleanup",
    "develop",
    "digest",
    "git-build",
    "http-request",
    "notify",
    "report",
    "restart-service",
    "run-command",
  ]);
});

/** The block, alone in a nerve.yaml, is a configuration without errors. */
function assertValid(block: Record<string, unknown>): void {
  const parsed = parseNerveConfig(stringify(block));
  assert.ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.error));
  // Starting a program opens the sandbox, which gives a warning; a workflow alone has no sense beside it.
  const warnings = parsed.value.warnings.filter(({ path }) => path !== "" && !path.includes("permissions.run"));
  assert.deepEqual(warnings, []);
}

for (const name of senses) {
  Deno.test(`senses/${name} is a complete folder with lines to paste`, () => {
    const folder = files(`senses/${name}`);
    for (const file of ["index.ts", "schema.ts", "migrations", "README.md"]) assert.ok(folder.includes(file), file);
    for (const file of files(`senses/${name}/migrations`)) assert.match(file, /^\d{4}_[a-z_]+\.sql$/);
    const block = pasteBlock("senses", name) as { reflexes: { sense: string; interval: string }[] };
    assert.deepEqual(Object.keys(block), ["senses", "reflexes"]);
    assert.deepEqual(block.reflexes.map(({ sense }) => sense), [name]);
    for (const { interval } of block.reflexes) assert.ok(parseDuration(interval).ok, interval);
    assertValid(block);
    assert.ok(documented("senses", name).permissions !== undefined);
  });
}

for (const name of workflows) {
  Deno.test(`workflows/${name} is a complete folder with lines to paste`, () => {
    const folder = files(`workflows/${name}`);
    for (const file of ["index.ts", "README.md"]) assert.ok(folder.includes(file), file);
    const block = pasteBlock("workflows", name);
    assert.deepEqual(Object.keys(block), ["workflows"]);
    assertValid(block);
    assert.ok(documented("workflows", name).permissions !== undefined);
  });
}

for (
  const [kind, name] of [...senses.map((name) => ["senses", name]), ...workflows.map((name) => ["workflows", name])]
) {
  Deno.test(`${kind}/${name}'s README has every config key of the code, in the table and nowhere else`, () => {
    const readme = Deno.readTextFileSync(`${repository}/${kind}/${name}/README.md`);
    const table = readme.slice(readme.indexOf("| config | default |"));
    const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    const code = Deno.readTextFileSync(`${repository}/${kind}/${name}/index.ts`);
    const read = [...code.matchAll(/(\w+): option\.\w+\(/g)].map((match) => match[1]);
    assert.ok(read.length > 0);
    assert.deepEqual(new Set(listed), new Set(read));
    const unit = documented(kind as "senses" | "workflows", name ?? "");
    for (const key of Object.keys(unit.config ?? {})) assert.ok(read.includes(key), key);
    // A commented line must be valid once it is uncommented.
    const yaml = /^```yaml\n(.*?)^```$/ms.exec(readme)?.[1] ?? "";
    const full = parse(yaml.replaceAll(/^( +)# (\w+:.*)$/gm, "$1$2"))[kind ?? ""][name ?? ""];
    for (const key of Object.keys(full.config)) assert.ok(read.includes(key), key);
  });
}

/** The entries of a YAML block that name code of the library, with their grants. */
function takenFrom(text: string): { kind: "senses" | "workflows"; from: string; grants: readonly string[] }[] {
  const file = parse(text) as
    | Record<string, Record<string, { use?: unknown; permissions?: object } | null> | null>
    | null;
  return (["senses", "workflows"] as const).flatMap((kind) =>
    Object.entries(file?.[kind] ?? {}).flatMap(([name, unit]) => {
      const from = typeof unit?.use === "string" ? unit.use : name;
      const isOurs = (kind === "senses" ? senses : workflows).includes(from);
      // What notify needs depends on its channel.
      return isOurs && from !== "notify" && unit?.permissions
        ? [{ kind, from, grants: Object.keys(unit.permissions) }]
        : [];
    })
  );
}

Deno.test("what a document takes from the library has every kind of permission that its README names", () => {
  // The bug was: recipes that passed every check and could not run, because ps needs /proc, and git its server.
  const missing = documentPaths.map(readDocument).flatMap(({ path, blocks }) =>
    blocks.filter(({ language }) => language === "yaml").flatMap(({ text }) => takenFrom(text)).flatMap((taken) => {
      const wanted = Object.keys(documented(taken.kind, taken.from).permissions ?? {});
      const lacks = taken.grants.includes("unconfined") ? [] : wanted.filter((each) => !taken.grants.includes(each));
      return lacks.map((each) => `${path}: ${taken.from} without ${each}`);
    })
  );
  assert.deepEqual(missing, []);
});
