/** Danger: a file that is loaded by its own path, and is missing in what is built. */
import assert from "node:assert/strict";
import { toBundlePath } from "../../../src/base/self_exec.ts";
import { bundledEntries } from "../../../tools/build/bundle.ts";
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
