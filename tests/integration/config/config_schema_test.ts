/** src/config/nerve.schema.json, which editors read: it accepts what nerve accepts, and explains every key. */
import { Ajv } from "ajv";
import assert from "node:assert/strict";
import { parse } from "yaml";
import { createNerveYaml } from "../../../src/cli/scaffold/templates.ts";
import { isPlainObject } from "../../../src/protocol/json.ts";
import { blocksOf } from "../../support/documents.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { readSource } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const schema = JSON.parse(readSource("src/config/nerve.schema.json"));
// Without formats and with unions of types: editors know both.
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

function faultsOf(text: string): string[] {
  return validate(parse(text))
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

Deno.test("the schema accepts every nerve.yaml of the documents, and a new workspace's", () => {
  const blocks = ["docs/configuration.md", "docs/senses.md", "docs/workflows.md", "README.md"].flatMap((path) =>
    blocksOf(readSource(path)).filter(({ language, text }) => language === "yaml" && /^(senses|workflows):/m.test(text))
  );
  assert.ok(blocks.length > 8);
  for (const { text } of [...blocks, { text: createNerveYaml() }]) assert.deepEqual(faultsOf(text), [], text);
});

Deno.test("the schema rejects what nerve rejects: unknown keys, wrong types, wrong durations", () => {
  const wrong = {
    "senses: { a: { throttel: 1s } }": /additional properties/,
    "senses: { a: { throttle: soon } }": /\/senses\/a\/throttle must match pattern/,
    "senses: { a: { throttle: 5 } }": /\/senses\/a\/throttle must be string/,
    "senses: { A: {} }": /property name must be valid|must match pattern/,
    "reflexes: [{ interval: 1s }]": /must have required property 'sense'/,
    "workflows: { w: { concurrency: 0 } }": /concurrency must be >= 1/,
    "workflows: { w: { schedule: [{ cron: '* * * * *', when: 1 }] } }": /additional properties/,
    "workflows: { w: { overflow: wait } }": /allowed values/,
    "senses: { a: { permissions: { red: [x] } } }": /additional properties/,
    "senses: { a: { peers: some } }": /must be equal to constant/,
  };
  for (const [text, fault] of Object.entries(wrong)) assert.match(faultsOf(text).join("\n"), fault, text);
  for (
    const text of ["senses: { a: }", "senses:", "retention: 1h30m", "senses: { a: { permissions: [--allow-sys] } }"]
  ) {
    assert.deepEqual(faultsOf(text), [], text);
  }
});

Deno.test("every key of the schema has a description", () => {
  const bare: string[] = [];
  const visit = (node: unknown, path: string) => {
    if (!isPlainObject(node)) return;
    for (const [key, property] of Object.entries(isPlainObject(node.properties) ? node.properties : {})) {
      if (!isPlainObject(property) || typeof property.description !== "string") bare.push(`${path}.${key}`);
      visit(property, `${path}.${key}`);
    }
    for (const part of Array.isArray(node.anyOf) ? node.anyOf : []) visit(part, path);
    for (const part of [node.additionalProperties, node.items]) visit(part, path);
  };
  visit(schema, "");
  assert.deepEqual(bare.filter((path) => path !== ".workflows.schedule.prompt"), []);
});

Deno.test("a new nerve.yaml names the schema in its first line, and the workspace has it", async () => {
  await inTempDir(async (root) => {
    await nerve(root, "init", ".");
    const [first = ""] = (await Deno.readTextFile(`${root}/nerve.yaml`)).split("\n");
    const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)$/.exec(first) ?? [];
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${root}/${path}`)), schema);
  });
});
