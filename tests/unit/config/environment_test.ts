import assert from "node:assert/strict";
import { findUnsetVariables, parseVariables, resolveEnvFile } from "../../../src/config/environment.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";

Deno.test("variables are NAME=VALUE lines with comments, quotes and export, and nothing is expanded", () => {
  const text = [
    "\ufeff# secrets",
    "",
    "API_TOKEN=tok-1 # of the test account",
    "export SPACED = two words ",
    `KEY="first\nsecond"`,
    "RAW='a # b'",
    "EMPTY=",
    "SUM=a=b",
    "SAME=$API_TOKEN",
  ].join("\r\n");
  assert.deepEqual(parseVariables(text), {
    variables: {
      API_TOKEN: "tok-1",
      SPACED: "two words",
      KEY: "first\nsecond",
      RAW: "a # b",
      EMPTY: "",
      SUM: "a=b",
      SAME: "$API_TOKEN",
    },
    faults: [],
  });
});

Deno.test("what is no variable is told by its line, and never by its text", () => {
  const secret = "s3cr3t-value";
  const text = `GOOD=1\n${secret}\n1BAD=${secret}\nLD_PRELOAD=/${secret}\nOPEN="${secret}\n`;
  const { variables, faults } = parseVariables(text);
  assert.equal(variables.GOOD, "1");
  assert.deepEqual(faults, [
    "line 2 is not NAME=VALUE",
    "line 3 is not NAME=VALUE",
    "line 5 opens a quote that nothing closes",
    "LD_PRELOAD never reaches a sense or workflow: it would change nerve's own process",
  ]);
  assert.equal(faults.join().includes(secret), false);
});

Deno.test("the file is found from the workspace, or from the home folder", () => {
  const at = (envFile: string | null) => resolveEnvFile({ envFile }, "/w", "/home/me");
  assert.deepEqual([at(null), at(".env"), at("~/n.env"), at("/run/s")], [null, "/w/.env", "/home/me/n.env", "/run/s"]);
});

Deno.test("a variable that is granted by name, or by a prefix, and set nowhere is found", () => {
  const parsed = parseNerveConfig(`
senses:
  a: { permissions: { env: [ONE, TWO, "PRE_*", "NO_*"] } }
  all: { permissions: { env: true } }
workflows: { w: { permissions: { env: [constructor] } } }
`);
  assert.ok(parsed.ok);
  const unset = findUnsetVariables(parsed.value.config, { ONE: "", PRE_X: "1" });
  assert.deepEqual(unset.map(({ of, variable }) => `${of} ${variable}`), [
    "sense a TWO",
    "sense a NO_*",
    "workflow w constructor",
  ]);
});
