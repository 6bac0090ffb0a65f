/** The parts of the build that are plain functions: arguments, the archive, the header, the staged deno.json. */
import assert from "node:assert/strict";
import manifest from "../../../deno.json" with { type: "json" };
import { createStagedManifest } from "../../../tools/build/stage.ts";

Deno.test("the staged deno.json maps to vendored modules only, closes what the clone's closes, and keeps npm names for editors", () => {
  const staged = createStagedManifest({ zod: "./src/vendor/zod.js" });
  const imports = staged.imports as Record<string, string>;
  assert.ok(Object.values(imports).every((target) => target.startsWith("./src/")));
  assert.equal(imports["node:vm"], manifest.imports["node:vm"]);
  // What user code imports is the same module that the sandbox's own bundle uses.
  assert.equal(imports.nerve, "./src/sdk/mod.js");
  assert.deepEqual(staged.scopes, { "./src/": manifest.scopes["./src/"] });
  assert.deepEqual(staged.unstable, manifest.unstable);
  assert.equal(Object(staged.editorImports)["drizzle-orm"], manifest.imports["drizzle-orm"]);
});
