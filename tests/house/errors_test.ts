/** A test provokes every error code: a code that no test provokes is an unchecked promise. */
import assert from "node:assert/strict";
import { errorCodes } from "../../src/base/error_codes.ts";
import { readSource, sourceFiles } from "../support/source_files.ts";

Deno.test("every error code appears in a test", () => {
  const codes = Object.keys(errorCodes);
  assert.ok(codes.length > 10);
  const tests = sourceFiles(["tests"], "_test.ts").map(readSource).join("\n");
  assert.deepEqual(codes.filter((code) => !tests.includes(`"${code}"`)), []);
});

Deno.test("every sense and workflow of the library has a README, and a test of its permissions", () => {
  const tests = sourceFiles(["tests"], "_test.ts").map(readSource).join("\n");
  for (const folder of ["senses", "workflows"]) {
    const names = sourceFiles([folder], "index.ts").map((path) => path.split("/")[1] ?? "");
    assert.ok(names.length > 1);
    const readmes = sourceFiles([folder], "README.md");
    for (const name of names) {
      assert.ok(readmes.includes(`${folder}/${name}/README.md`), `${folder}/${name} has no README.md`);
      assert.match(
        tests,
        new RegExp(`${name}[^"\`]*(permission|grant)`),
        `no test speaks of the permissions of ${name}`,
      );
    }
  }
});
