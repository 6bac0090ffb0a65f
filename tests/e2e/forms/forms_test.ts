/** One list of promises (cases.ts), checked for two forms of nerve; portable_test.ts checks it for the third. */
import { buildForm, canCompile } from "../../support/forms.ts";
import { isLong } from "../../support/long_form.ts";
import { testCases } from "./cases.ts";

const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-forms-" }));
const compilable = await canCompile();
let compiled = "";

Deno.test.beforeAll(async () => {
  if (compilable && isLong) compiled = await buildForm("compiled", folder);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

testCases("source", folder, () => "");
// In the long form, and only where Deno's runtime for compiled programs is in the cache: no test here uses the network.
testCases("compiled", folder, () => compiled, !compilable);
