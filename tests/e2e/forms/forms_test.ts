/**
 * One list of promises (cases.ts), checked for every form of nerve. The portable file is built once for all of them.
 */
import assert from "node:assert/strict";
import { buildForm, canCompile, type FormName, formOf } from "../../support/forms.ts";
import { join } from "../../support/paths.ts";
import { cases } from "./cases.ts";

const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-forms-" }));
const compilable = await canCompile();
const files = new Map<FormName, string>([["source", ""]]);

Deno.test.beforeAll(async () => {
  files.set("portable", await buildForm("portable", folder));
  if (compilable) files.set("compiled", await buildForm("compiled", folder));
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

for (const name of ["source", "portable", "compiled"] as const) {
  for (const [index, each] of cases.entries()) {
    Deno.test({
      name: `${name}: ${each.name}`,
      // Only where Deno's runtime for compiled programs is in the cache: no test here uses the network.
      ignore: name === "compiled" && !compilable,
      async fn() {
        const file = files.get(name);
        assert.ok(file !== undefined, `${name} was built`);
        const home = join(folder, `home-${name}`), cwd = join(folder, `${name}-${index}`);
        for (const path of [home, cwd]) await Deno.mkdir(path, { recursive: true });
        await each.run(await formOf(name, file, home), cwd);
      },
    });
  }
}
