/**
 * docs/configuration.md has every key of the schema of nerve.yaml: with its true default, its meaning, and an example.
 */
import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { parseNerveConfig } from "../../src/config/parse.ts";
import { listKnownKeys } from "../../src/config/schema.ts";
import { permissionNames } from "../../src/config/types.ts";
import { isPlainObject } from "../../src/protocol/json.ts";
import { blocksOf } from "../support/documents.ts";
import { readSource } from "../support/source_files.ts";

interface Section {
  readonly keys: readonly string[];
  /** The mappings of an example that may contain these keys. */
  readonly mappings: (example: Record<string, unknown>) => unknown[];
  /** A nerve.yaml with these keys in such a mapping; null when a default does not affect the configuration. */
  readonly fileWith: ((keys: Record<string, unknown>) => Record<string, unknown>) | null;
}

const entries = (value: unknown): unknown[] => Object.values(isPlainObject(value) ? value : {});
const sense = { a: {}, b: {} };
const anEngine = {
  ...{ kind: "restate", ingress: "http://127.0.0.1:8080", admin: "http://127.0.0.1:9070", listen: "127.0.0.1:9080" },
  identity: "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f",
};
const sections: Readonly<Record<string, Section>> = {
  "Top level": {
    keys: listKnownKeys([]),
    mappings: (file) => [file],
    fileWith: (keys) => ({ senses: sense, ...keys }),
  },
  senses: {
    keys: listKnownKeys(["senses", "a"]),
    mappings: ({ senses }) => entries(senses),
    fileWith: (keys) => ({ senses: { ...sense, a: keys } }),
  },
  groups: {
    keys: listKnownKeys(["groups", "a"]),
    mappings: ({ groups }) => entries(groups),
    fileWith: (keys) => ({ senses: sense, groups: { a: keys } }),
  },
  reflexes: {
    keys: listKnownKeys(["reflexes", 0]),
    mappings: ({ reflexes }) => entries({ ...Object(reflexes) }),
    fileWith: (keys) => ({ senses: sense, reflexes: [{ sense: "a", cron: "0 9 * * *", ...keys }] }),
  },
  workflows: {
    keys: listKnownKeys(["workflows", "a"]),
    mappings: ({ workflows }) => entries(workflows),
    fileWith: (keys) => ({ senses: sense, workflows: { w: keys } }),
  },
  alerts: {
    keys: listKnownKeys(["alerts", "a"]),
    mappings: ({ alerts }) => entries(alerts),
    fileWith: (keys) => ({
      senses: sense,
      workflows: { w: {} },
      alerts: { x: { sense: "a", when: "true", workflow: "w", ...keys } },
    }),
  },
  hooks: {
    keys: listKnownKeys(["hooks", "a"]),
    mappings: ({ hooks }) => entries(hooks),
    fileWith: (keys) => ({ senses: sense, hooks: { h: { secret: "env X", verify: "bearer", ...keys } } }),
  },
  agents: {
    keys: listKnownKeys(["agents", "a"]),
    mappings: ({ agents }) => entries(agents),
    fileWith: (keys) => ({
      senses: sense,
      agents: { a: { protocol: "command", command: ["a"], confine: "none", ...keys } },
    }),
  },
  engines: {
    keys: listKnownKeys(["engines", "a"]),
    mappings: ({ engines }) => entries(engines),
    fileWith: (keys) => ({ engines: { e: { ...anEngine, ...keys } } }),
  },
  permissions: {
    keys: [...permissionNames, "unconfined"],
    mappings: ({ senses }) => entries(senses).map((each) => isPlainObject(each) ? each.permissions : null),
    fileWith: null,
  },
};

const documented = new Map(
  readSource("docs/configuration.md").split(/^## /m).slice(1).map((text) => [text.slice(0, text.indexOf("\n")), text]),
);

function rowsOf(title: string): { key: string; standard: string; meaning: string }[] {
  return [...(documented.get(title) ?? "").matchAll(/^\| `(\w+)` \| (.+?) \| (.+) \|$/gm)]
    .map(([, key = "", standard = "", meaning = ""]) => ({ key, standard, meaning }));
}

function configOf(file: Record<string, unknown>): unknown {
  const parsed = parseNerveConfig(stringify(file));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value.config;
}

for (const [title, { keys, mappings, fileWith }] of Object.entries(sections)) {
  Deno.test(`docs/configuration.md, ${title}: every key of the schema, and no other, with a meaning and an example`, () => {
    const rows = rowsOf(title);
    assert.ok(keys.length > 1);
    assert.deepEqual(rows.map(({ key }) => key).sort(), [...keys].sort());
    for (const { key, meaning } of rows) assert.match(meaning, /\.$/, key);
    const examples = blocksOf(documented.get(title) ?? "").filter(({ language }) => language === "yaml");
    const shown = examples.flatMap(({ text }) => mappings(parse(text))).flatMap((mapping) =>
      isPlainObject(mapping) ? Object.keys(mapping) : []
    );
    assert.deepEqual(keys.filter((key) => !shown.includes(key)), [], "no example shows it");
  });

  Deno.test(`docs/configuration.md, ${title}: a default that is a value is the one that nerve takes`, () => {
    if (fileWith === null) return;
    for (const { key, standard } of rowsOf(title)) {
      const [, value] = /^`([^`]+)`$/.exec(standard) ?? [];
      if (value === undefined) continue;
      assert.deepEqual(configOf(fileWith({ [key]: parse(value) })), configOf(fileWith({})), `${key}: ${value}`);
    }
  });
}
