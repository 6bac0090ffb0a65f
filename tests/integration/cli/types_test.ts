/** `nerve validate` and types: what an editor would say, and never a silence where they were not checked. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readProblems } from "../../../src/cli/checks/types.ts";
import { validateOutput } from "../../../src/cli/render/json_schemas.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { configOf } from "../../support/parsed_config.ts";
import { inTempDir, oneSense, writeWorkspace } from "../../support/temp_workspace.ts";

const validated = async (root: string, ...flags: string[]) => {
  const { code, out } = await nerve(root, "validate", "--format", "json", ...flags);
  return { code, ...validateOutput.parse(JSON.parse(out)) };
};

scaled.test("a type error fails with its place, also in lib/; --no-types leaves it out, and says so", async () => {
  await inTempDir(async (root) => {
    await nerve(root, "init", ".");
    if (isLong) {
      const { code, errors, untyped } = await validated(root);
      assert.deepEqual([code, errors, untyped], [0, 0, null]);
    }
    await writeWorkspace(root, {
      "lib/wrong.ts": 'export const wrong: number = "text";\n',
      "senses/cpu-usage/wrong.ts": `import type { SenseContext } from "nerve";
export const name = ({ name }: SenseContext): number => name;\n`,
      "senses/unused/index.ts": "export const compute: number = () => null;\n",
    });
    const entry = join(root, "senses/cpu-usage/index.ts");
    const text = `import "./wrong.ts";\nimport "../../lib/wrong.ts";\n${await Deno.readTextFile(entry)}`;
    await Deno.writeTextFile(entry, text);
    const { code, problems, untyped } = await validated(root);
    assert.deepEqual([code, untyped], [1, null]);
    const found = problems.filter(({ severity }) => severity === "error").map(({ path, message, place }) => {
      return `${place?.file}:${place?.line}:${place?.column} ${path}: ${message}`;
    });
    assert.deepEqual(found, [
      "lib/wrong.ts:1:14 : Type 'string' is not assignable to type 'number'. (TS2322)",
      "senses/cpu-usage/wrong.ts:2:57 senses.cpu-usage: Type 'string' is not assignable to type 'number'. (TS2322)",
    ]);
    const without = await validated(root, "--no-types");
    assert.deepEqual([without.code, without.errors, without.untyped], [0, 0, "--no-types"]);
    if (!isLong) return;
    // Code that does not parse is reported once, with the message of the sandbox.
    await Deno.writeTextFile(entry, "export const compute = {{;\n");
    assert.equal((await validated(root)).errors, 1);
  });
});

Deno.test("a workspace whose deno.json does not lead to nerve's types is not checked, and that is said", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, oneSense);
    const { code, out } = await nerve(root, "validate");
    assert.equal(code, 0);
    assert.match(
      out,
      /1 sense, 0 workflows: no problems\n⚪ types were not checked: no deno\.json .*nerve init --force/,
    );
  });
});

Deno.test("a message of several lines is one, and code that is shown below it is left out", () => {
  const text = `Check senses/a/index.ts
TS2345 [ERROR]: Argument of type 'A' is not assignable to parameter of type 'B'.
  Property 'x' is missing in type 'A'.
  call(value);
       ~~~~~
    at file:///w/senses/a%20b/index.ts:3:8

    'x' is declared here.
      x: number;
      ~
        at file:///w/lib/b.ts:1:1

TS1005 [ERROR]: ',' expected.
    at file:///w/lib/c.ts:7:1

Found 2 errors.
`;
  const paths = workspacePaths("/w", { uid: 1, runtimeDir: null, tempDir: "/tmp" });
  assert.deepEqual(
    readProblems(text, paths, configOf("senses: { a: {} }\nreflexes: [{ sense: a, interval: 1s }]\n")).map((
      { message, place },
    ) => [message, place]),
    [
      [
        "Argument of type 'A' is not assignable to parameter of type 'B'. Property 'x' is missing in type 'A'. (TS2345)",
        { file: "/w/senses/a b/index.ts", line: 3, column: 8 },
      ],
      ["',' expected. (TS1005)", { file: "/w/lib/c.ts", line: 7, column: 1 }],
    ],
  );
});
