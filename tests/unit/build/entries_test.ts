/** The bug these guard against: a module that is loaded by a computed address, and is missing in what is built. */
import assert from "node:assert/strict";
import { entries } from "../../../src/build/stage.ts";
import { dirname, join } from "../../support/paths.ts";
import { readSource, repository, sourceFiles } from "../../support/source_files.ts";

const address = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;
const call = /lazily<typeof import\("([^"]+)"\)>\(\s*"([^"]+)"\s*,?\s*\)/g;

/** What each `lazily` names as the module's type, and where it loads it from; relative to the repository. */
function lazyImports(): { typed: string; loaded: string }[] {
  return sourceFiles(["src"], ".ts").flatMap((file) => {
    const text = readSource(file), found = [...text.matchAll(call)];
    const calls = file === "src/base/lazily.ts" ? 0 : text.split("lazily<").length - 1;
    assert.equal(found.length, calls, `${file}: a lazily that this test cannot read`);
    return found.map(([, type = "", path = ""]) => ({ typed: join(dirname(file), type), loaded: join("src", path) }));
  });
}

Deno.test("what is loaded lazily is the module that its type says", () => {
  const imports = lazyImports();
  assert.ok(imports.length > 40);
  for (const { typed, loaded } of imports) assert.equal(loaded, typed);
});

Deno.test("every module that is loaded lazily is an entry of the build, or reached from one", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, entries.map((entry) => `import "${address(entry)}";\n`).join(""));
    const args = ["info", "--json", "--config", join(repository, "deno.json"), file];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: { specifier: string }[] };
    const seen = new Set(modules.map(({ specifier }) => specifier));
    assert.deepEqual(lazyImports().filter(({ loaded }) => !seen.has(address(loaded))), []);
  } finally {
    await Deno.remove(file);
  }
});
