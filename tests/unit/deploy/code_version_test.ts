/** Which versions change when a file changes. */
import assert from "node:assert/strict";
import { CodeVersions } from "../../../src/deploy/code_version.ts";
import { scanImports } from "../../../src/deploy/import_scanner.ts";
import type { Snapshot } from "../../../src/deploy/workspace_scan.ts";

const files: Readonly<Record<string, string>> = {
  "senses/a/index.ts": 'import "../../lib/one.ts";',
  "senses/a/migrations/0001_first.sql": "create table t(x);",
  "senses/a/index.ts~": "old",
  "senses/b/index.ts": 'import "./inner.ts";',
  "senses/b/inner.ts": 'export * from "../../lib/two.ts";',
  "senses/c/index.ts": "await import(Deno.args[0]);",
  "senses/d/index.ts": 'import "../c/shared.ts"; import "./.kept.ts.swp"; import "../../lib/gone.ts";',
  "senses/d/.kept.ts.swp": "export {};",
  "senses/c/shared.ts": "export {};",
  "senses/plain/index.ts": "export {};",
  "lib/one.ts": 'import "./deep/three.ts";',
  "lib/two.ts": 'import "./two.ts"; import "./one.ts?again";',
  "lib/deep/three.ts": "export {};",
  "lib/nobody.ts": 'import "./one.ts";',
};

function versions(texts: Readonly<Record<string, string>>): Record<string, string> {
  const snapshot: Snapshot = {
    files: new Map(
      Object.entries(texts).map(([path, text]) => [path, { hash: text, stamp: "", imports: scanImports(text) }]),
    ),
    digest: "",
    incomplete: null,
  };
  const code = new CodeVersions("/w", snapshot);
  return Object.fromEntries(
    ["a", "b", "c", "d", "plain"].map((name) => [name, code.versionOf(`senses/${name}`).content]),
  );
}

/** Senses whose version changes when `path` has this text (null: is removed). */
function touched(path: string, text: string | null = "// changed"): string[] {
  const { [path]: _, ...others } = files;
  const before = versions(files), after = versions(text === null ? others : { ...others, [path]: text });
  return Object.keys(before).filter((name) => before[name] !== after[name]);
}

Deno.test("a file of lib/ counts for exactly the units that import it, also indirectly; an unclear import counts all of lib/", () => {
  assert.deepEqual(touched("lib/deep/three.ts"), ["a", "b", "c"]);
  assert.deepEqual(touched("lib/one.ts"), ["a", "b", "c"]);
  assert.deepEqual(touched("lib/two.ts"), ["b", "c"]);
  assert.deepEqual(touched("lib/nobody.ts"), ["c"]);
  assert.deepEqual(touched("lib/new.ts"), ["c"]);
  assert.deepEqual(touched("lib/gone.ts"), ["c", "d"], "it was missing, and is there now");
  assert.deepEqual(touched("lib/one.ts", null), ["a", "b", "c"]);
});

Deno.test("a sense's own files count; a file that an editor leaves beside them only when it is imported", () => {
  assert.deepEqual(touched("senses/a/migrations/0002_more.sql"), ["a"]);
  assert.deepEqual(touched("senses/plain/words.txt"), ["plain"]);
  assert.deepEqual(touched("senses/c/shared.ts"), ["c", "d"]);
  for (const name of ["index.ts~", ".index.ts.swp", "4913", "#index.ts#", ".#index.ts", "index.ts.tmp", ".DS_Store"]) {
    assert.deepEqual(touched(`senses/plain/${name}`), [], name);
  }
  assert.deepEqual(touched("senses/a/index.ts~", null), []);
  assert.deepEqual(touched("senses/d/.kept.ts.swp"), ["d"]);
});
