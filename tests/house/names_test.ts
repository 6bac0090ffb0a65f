/** A name means one thing: a reader who finds it in one file must not mistake it for its namesake in another. */
import assert from "node:assert/strict";
import { moduleOf, type SourceModule, sourceModules } from "../support/source_graph.ts";

function namesakes(modules: readonly SourceModule[]): string[] {
  const homes = new Map<string, string[]>();
  for (const { path, exports } of modules) {
    for (const name of exports) homes.set(name, [...homes.get(name) ?? [], path]);
  }
  return [...homes].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(" ")}`);
}

Deno.test("no exported name has two meanings", () => {
  assert.deepEqual(namesakes(sourceModules(["src", "tools"])), []);
  const twice = ["a", "b"].map((name) => moduleOf(`${name}.ts`, "export interface Same {}\nexport const x = 1;"));
  assert.deepEqual(namesakes(twice), ["Same: a.ts b.ts", "x: a.ts b.ts"]);
});
