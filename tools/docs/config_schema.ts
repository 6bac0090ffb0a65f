/**
 * Generates the JSON schema of nerve.yaml for editors, src/config/nerve.schema.json: from the schema with which nerve
 * reads the file, and from the meanings in docs/configuration.md.
 */
import * as z from "zod";
import { assert } from "../../src/base/errors.ts";
import { fileSchema } from "../../src/config/schema.ts";
import { permissionNames } from "../../src/config/types.ts";
import { isPlainObject } from "../../src/protocol/json.ts";
import { scenarioSchema } from "../../src/protocol/scenario.ts";
import { namePattern } from "../../src/base/name_pattern.ts";

type Schema = Record<string, unknown>;

const span: Schema = { type: ["string", "null"], pattern: "^(\\d+(d|h|m|s|ms))+$", examples: ["10s", "1h30m"] };
const bytes: Schema = { type: ["string", "null"], pattern: "^\\d+(B|KiB|MiB|GiB)$", examples: ["256MiB"] };
const { $schema: _, ...scenario } = z.toJSONSchema(scenarioSchema, { target: "draft-7" });
const texts: Schema = { type: "array", items: { type: "string" } };
/** Schemas, by key, for values that code parses and that zod has no schema for. */
const readByCode: Readonly<Record<string, Schema>> = {
  throttle: span,
  timeout: span,
  grace_period: span,
  startup_delay: span,
  interval: span,
  jitter: span,
  debounce: span,
  retention: span,
  drain_timeout: span,
  for: span,
  keep_firing_for: span,
  absent: span,
  repeat: span,
  remind: span,
  idle: span,
  rate: { type: ["string", "null"], pattern: "^\\d+ per .+$", examples: ["100 per 1s"] },
  limit: { type: ["string", "null"], pattern: "^\\d+ per .+$", examples: ["10 per 1h"] },
  secret: { anyOf: [{ type: ["string", "null"], examples: ["env GIT_HOOK_SECRET"] }, texts] },
  verify: {
    anyOf: [
      { type: ["string", "null"], enum: ["github", "gitea", "gitlab", "standard", "stripe", "bearer", null] },
      {
        type: "object",
        additionalProperties: false,
        properties: {
          hmac: { enum: ["sha1", "sha256", "sha512", null], description: "The hash of the MAC of the body." },
          header: { type: ["string", "null"], description: "The header that holds the MAC." },
          encoding: { enum: ["hex", "base64", null], description: "How the MAC is written. Default: hex." },
          token: { type: ["string", "null"], description: "The header that holds the secret itself." },
          prefix: { type: ["string", "null"], description: "What stands before the MAC or secret. Default: nothing." },
        },
      },
    ],
  },
  ingress: { anyOf: [{ type: ["string", "null"], examples: ["http://127.0.0.1:8080"] }, texts] },
  admin: { anyOf: [{ type: ["string", "null"], examples: ["http://127.0.0.1:9070"] }, texts] },
  identity: { anyOf: [{ type: ["string", "null"], pattern: "^publickeyv1_" }, texts] },
  dedup: { anyOf: [{ type: ["string", "null"], examples: ["header X-Delivery-Id"] }, texts] },
  listen: {
    anyOf: [
      { type: ["string", "null"], examples: ["127.0.0.1:7077"] },
      {
        type: "object",
        additionalProperties: false,
        properties: {
          address: { type: ["string", "null"], description: "An address of the loopback, with a port." },
          hosts: {
            anyOf: [texts, { type: "null" }],
            description: "Names of hosts under which a proxy or tunnel is reached.",
          },
        },
      },
    ],
  },
  scenario: { anyOf: [{ type: ["string", "null"], examples: ["demo.yaml"] }, scenario] },
  max_body: bytes,
  memory: bytes,
  disk: bytes,
  max_thread: bytes,
  env_file: { type: ["string", "null"] },
  peers: { anyOf: [{ const: "all" }, texts, { type: "null" }] },
  config: { type: ["object", "null"] },
  permissions: {
    anyOf: [
      {
        type: ["object", "null"],
        additionalProperties: false,
        properties: {
          ...Object.fromEntries(permissionNames.map((name) => [name, { anyOf: [{ const: true }, texts] }])),
          unconfined: { type: ["boolean", "null"] },
        },
      },
      { ...texts, description: "Deno's own flags, such as --allow-net=example.com:443." },
    ],
  },
};

const approvers: Schema = {
  type: ["object", "null"],
  propertyNames: { pattern: namePattern.source },
  additionalProperties: {
    anyOf: [
      {
        type: "object",
        additionalProperties: false,
        required: ["key"],
        properties: {
          key: { anyOf: [{ type: "string" }, texts], description: "The line of an .pub file, or several." },
        },
      },
      { ...texts, description: "The people of a group." },
    ],
  },
};

/** `manual`: the text of docs/configuration.md. */
export function configSchema(manual: string): string {
  const made = z.toJSONSchema(fileSchema, { io: "input", unrepresentable: "any", target: "draft-7" }) as Schema;
  describe(made, "Top level", manual);
  describe(withoutNull(propertiesOf(made)["approvals"]), "approvals", manual);
  propertiesOf(made)["approvers"] = { ...approvers, description: meaningOf(manual, "Top level", "approvers") };
  for (const section of ["senses", "groups", "reflexes", "alerts", "hooks", "engines", "workflows", "agents"]) {
    const entry = findEntry(propertiesOf(made)[section]);
    describe(entry, section, manual);
    const { permissions } = propertiesOf(entry);
    // An agent's permissions are of another kind.
    if (section === "agents") {
      for (const rules of Object.values(propertiesOf(withoutNull(permissions)))) {
        if (isPlainObject(rules)) rules.description = "Kinds of tools, each perhaps with a path. Default: none.";
      }
      continue;
    }
    const [mapping] = isPlainObject(permissions) && Array.isArray(permissions.anyOf) ? permissions.anyOf : [];
    if (isPlainObject(mapping)) describe(mapping, "permissions", manual);
  }
  for (const section of ["senses", "groups", "alerts", "hooks", "engines", "workflows", "agents"]) {
    const record = withoutNull(propertiesOf(made)[section]);
    record.propertyNames = { pattern: namePattern.source };
  }
  return `${JSON.stringify({ title: "nerve.yaml", ...made }, null, 2)}\n`;
}

/** Gives every property its meaning, and a schema to each value that code parses. */
function describe(schema: Schema, title: string, manual: string): void {
  for (const [key, property] of Object.entries(propertiesOf(schema))) {
    assert(isPlainObject(property), `${key} has a schema`);
    const isOpen = Object.keys(property).length === 0;
    if (isOpen) Object.assign(property, structuredClone(readByCode[key]));
    assert(Object.keys(property).length > 0, `tools/docs/config_schema.ts has the schema of ${title}.${key}`);
    property.description = meaningOf(manual, title, key);
  }
  const line = findEntry(propertiesOf(schema)["schedule"]);
  for (const key of ["cron", "timezone", "catch_up"]) {
    const property = propertiesOf(line)[key];
    if (isPlainObject(property)) property.description = meaningOf(manual, "reflexes", key);
  }
}

/** The meaning of a key in the table of its section, as plain text. */
function meaningOf(manual: string, title: string, key: string): string {
  const section = manual.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
  const [, standard, meaning] = new RegExp(`^\\| \`${key}\` \\| (.+?) \\| (.+) \\|$`, "m").exec(section) ?? [];
  assert(standard !== undefined && meaning !== undefined, `docs/configuration.md says what ${title}.${key} means`);
  return `${meaning} Default: ${standard}.`.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1").replaceAll("`", "");
}

/** The schema of an entry of a record, or of an item of a list. */
function findEntry(schema: unknown): Schema {
  const inner = withoutNull(schema), entry = inner.additionalProperties ?? inner.items;
  return isPlainObject(entry) ? withoutNull(entry) : {};
}

/** zod writes `nullish` as an `anyOf` of two schemas. */
function withoutNull(schema: unknown): Schema {
  if (!isPlainObject(schema)) return {};
  const parts = Array.isArray(schema.anyOf) ? schema.anyOf : [];
  const part = parts.find((each) => isPlainObject(each) && each.type !== "null");
  return isPlainObject(part) ? part : schema;
}

function propertiesOf(schema: Schema): Schema {
  return isPlainObject(schema.properties) ? schema.properties : {};
}
