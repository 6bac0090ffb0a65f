/** Generates the routes of docs/api.md from the OpenAPI document that the control API serves. */
import { createApp } from "../../src/control/app.ts";
import type { KernelPort } from "../../src/control/kernel_port.ts";
import { block, code, joined, table } from "./markdown.ts";

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly additionalProperties?: Schema | boolean;
  readonly description?: string;
}
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly { name: string; in: string; description?: string; schema: Schema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export async function openApi(): Promise<OpenApi> {
  // The document is made from the routes alone, so no call reaches the kernel.
  const app = createApp({} as KernelPort, { version: "0", stop: () => {}, report: () => {} });
  return await (await app.request("/v1/openapi.json")).json();
}

export function routesSection(document: OpenApi): string {
  const shapes = shapesOf(document);
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation }))
  );
  const overview = routes.map(({ name, operation }) => [`[${code(name)}](#${anchorOf(name)})`, operation.summary]);
  return joined([
    table(["route", "what it does"], overview),
    ...routes.map(({ name, operation }) => routeText(name, operation, shapes)),
    "## Shapes",
    "Every number is a whole number where it counts something; times and spans are milliseconds.",
    ...[...shapes].map(([name, schema]) => `### ${name}\n\n${block("text", typeText(schema, shapes, name))}`),
  ]);
}

/** Shapes that have a name, because several answers contain them. */
function shapesOf({ paths }: OpenApi): Map<string, Schema> {
  const answer = (method: string, path: string, type = "application/json"): Schema => {
    const schema = paths[path]?.[method]?.responses["200"]?.content[type]?.schema;
    if (schema === undefined) throw new Error(`no answer of ${method} ${path}`);
    return schema;
  };
  const item = (schema: Schema): Schema => schema.properties?.items?.items ?? {};
  const sense = answer("get", "/v1/senses/{name}"), outcome = answer("post", "/v1/senses/{name}/trigger");
  const nullable = (schema: Schema | undefined): Schema => schema?.anyOf?.[0] ?? {};
  return new Map([
    ["Run", answer("get", "/v1/runs/{id}")],
    ["Message", item(answer("get", "/v1/runs/{id}/messages"))],
    ["Row", answer("get", "/v1/events", "text/event-stream")],
    ["Sense", sense],
    ["Signal", nullable(sense.properties?.lastSignal)],
    ["Outcome", nullable(outcome.properties?.outcome)],
    ["Workflow", item(answer("get", "/v1/workflows"))],
    ["Health", answer("get", "/v1/health")],
  ]);
}

function routeText(name: string, operation: Operation, shapes: ReadonlyMap<string, Schema>): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const [answer] = Object.entries(responses["200"]?.content ?? {});
  const rows = parameters.map(({ name, in: place, description, schema }) => {
    const standard = schema.default === undefined ? "" : `; default ${code(String(schema.default))}`;
    return [code(name), place, `${description ?? schema.description}${standard}`];
  });
  const failures = Object.entries(responses).filter(([status]) => status !== "200").map(([status]) => status);
  return joined([
    `### ${name}`,
    [summary, description].filter(Boolean).map((text) => text?.endsWith(".") ? text : `${text}.`).join(" "),
    rows.length === 0 ? null : table(["parameter", "in", "meaning"], rows),
    body === undefined ? null : `Body, as JSON:\n\n${block("text", typeText(body, shapes))}`,
    answer === undefined ? null : `Answer, ${code(answer[0])}:\n\n${block("text", typeText(answer[1].schema, shapes))}`,
    `Problems: ${failures.join(", ")}.`,
  ]).trimEnd();
}

/** A schema as a TypeScript type. A shape that has a name is written as its name, unless it is `self`. */
function typeText(schema: Schema, shapes: ReadonlyMap<string, Schema>, self = "", indent = ""): string {
  const text = JSON.stringify(schema);
  for (const [name, shape] of shapes) if (name !== self && JSON.stringify(shape) === text) return name;
  const inner = (each: Schema, deeper = indent) => typeText(each, shapes, self === "" ? "" : `${self}.`, deeper);
  const { type, properties, required = [], items, anyOf, oneOf, additionalProperties } = schema;
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const ways = anyOf ?? oneOf;
  if (ways !== undefined) return ways.map((each) => inner(each)).join(" | ");
  if (Array.isArray(type)) return type.join(" | ");
  if (items !== undefined) return /[ |]/.test(inner(items)) ? `(${inner(items)})[]` : `${inner(items)}[]`;
  if (properties !== undefined) {
    const deeper = `${indent}  `;
    const lines = Object.entries(properties).map(([key, value]) =>
      `${deeper}${key}${required.includes(key) || value.default !== undefined ? "" : "?"}: ${inner(value, deeper)}`
    );
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  if (typeof additionalProperties === "object") return `{ [key: string]: ${inner(additionalProperties)} }`;
  return typeof type === "string" ? (type === "integer" ? "number" : type) : "any JSON";
}

/** The anchor that GitHub makes for a heading. */
function anchorOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-");
}
