/** Danger: a file that is loaded by its path, and is missing in a build. */
import assert from "node:assert/strict";
import * as ofNode from "node:path";
import ofBundles from "path-browserify";
import { toBundlePath } from "../../../src/base/self_exec.ts";
import { bundledEntries } from "../../../tools/build/bundle.ts";
import fc from "../../support/fast_check.ts";
import { readSource, sourceFiles } from "../../support/source_files.ts";

const sources = sourceFiles(["src"], ".ts");

Deno.test("every entry with which a process or worker is started is bundled, and no other", () => {
  const entries = new Set<string>(["main.ts"]);
  for (const file of sources) {
    for (const [, entry = ""] of readSource(file).matchAll(/\b(?:resolveOwnEntry|buildSelfArguments)\(\s*"([^"]+)"/g)) {
      entries.add(entry);
    }
  }
  assert.deepEqual([...entries].sort(), [...bundledEntries].sort());
  assert.equal(new Set(bundledEntries.map(toBundlePath)).size, bundledEntries.length);
});

Deno.test("no module that can be bundled finds a file by its own location, which differs in a bundle", () => {
  const inSandbox = /^src\/sandbox\/(?!shim\.ts)/;
  const own = sources.filter((file) =>
    !inSandbox.test(file) && /import\.meta\.(url|resolve|dirname|filename)/.test(readSource(file))
  );
  assert.deepEqual(own, ["src/base/self_exec.ts"]);
});

Deno.test("what stands for node:path in a bundle says the same of any path", () => {
  const part = fc.oneof(fc.constantFrom("", ".", "..", "/", "a", "b.ts", ".env"), fc.string({ maxLength: 4 }));
  const path = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(path, path, (a, b) => {
      for (const name of ["basename", "dirname", "isAbsolute"] as const) {
        assert.equal(ofBundles[name](a), ofNode[name](a), `${name} of ${a}`);
      }
      for (const name of ["join", "relative", "resolve"] as const) {
        assert.equal(ofBundles[name](a, b), ofNode[name](a, b), `${name} of ${a}, ${b}`);
      }
    }),
    { numRuns: 500 },
  );
  assert.equal(ofBundles.delimiter, ofNode.delimiter);
  const used = sources.flatMap((file) => [...readSource(file).matchAll(/^import \{([^}]*)\} from "node:path";/gm)]);
  const names = new Set(used.flatMap(([, list = ""]) => list.split(",").map((name) => name.trim())));
  assert.deepEqual([...names].sort(), [
    "basename",
    "delimiter",
    "dirname",
    "isAbsolute",
    "join",
    "relative",
    "resolve",
  ]);
});
