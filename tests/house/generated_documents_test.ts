/**
 * The generated documents in docs/ match what `deno task docs` writes: no one forgets to run it, or edits them by hand.
 */
import assert from "node:assert/strict";
import { application } from "../../src/cli/app.ts";
import { errorCodes } from "../../src/base/error_codes.ts";
import { generatedDocuments } from "../../tools/docs/documents.ts";
import { errorMessages } from "../../tools/docs/error_messages.ts";
import { readSource, sourceFiles } from "../support/source_files.ts";

const repository = { read: readSource, modules: () => sourceFiles(["src"], ".ts").map(readSource) };

Deno.test("the generated documents are up to date: deno task docs", async () => {
  for (const [path, text] of await generatedDocuments(repository)) assert.equal(readSource(path), text, path);
});

Deno.test("docs/cli.md has every command, docs/errors.md every code, docs/api.md every route", () => {
  const cli = readSource("docs/cli.md"), errors = readSource("docs/errors.md"), api = readSource("docs/api.md");
  assert.ok("getAllEntries" in application.root);
  for (const { name } of application.root.getAllEntries()) {
    assert.ok(cli.includes(`[\`nerve ${name["convert-camel-to-kebab"]}`), name.original);
  }
  for (const code of Object.keys(errorCodes)) {
    assert.match(errors, new RegExp(`\n### ${code}\n(?:(?!###)[^])*\nMessages:\n`), code);
  }
  // As the sources of the routes write them.
  const routes = sourceFiles(["src/control/routes"], ".ts").map(readSource).join("\n");
  const paths = [...routes.matchAll(/\.(get|post)\(\s*"(\/[^"]+)"/g)].map(([, method = "", path = ""]) =>
    `${method.toUpperCase()} .*${path.replaceAll(/(?<=\/):(\w+)/g, "{$1}")}`
  );
  assert.ok(paths.length > 12);
  for (const path of paths) assert.match(api, new RegExp(`^### ${path}$`, "m"));
});

Deno.test("a message is found behind a constant, a condition, a parameter and a call, with its code", () => {
  const source = `
function fail(what, message) { throw new NerveError("USAGE", message); }
function textOf(kind) { return \`no \${kind} here\`; }
export const missing = () => new NerveError("RUN_UNKNOWN", textOf("run"));
export function check(x) {
  if (x === 1) fail("one", \`\${x} is one\`);
  const text = x ? "it is set" : "it is " + "not set";
  throw new NerveError(x ? "INTERNAL" : "RUN_ENDED", text, { hint: "ask" });
}`;
  assert.deepEqual(
    errorMessages([source]),
    new Map([
      ["USAGE", ["... is one"]],
      ["RUN_UNKNOWN", ["no ... here"]],
      ["INTERNAL", ["it is not set", "it is set"]],
      ["RUN_ENDED", ["it is not set", "it is set"]],
    ]),
  );
});
