/** A value that fits a JSON Schema, as small as possible. Pure; used by the scripted agent (fake_turn.ts). */
import { isPlainObject, type Json } from "../protocol/json.ts";

/** A schema that contains itself ends here. */
const depthMax = 20;

/** Values that the schema does not determine are "sample", 1 or true. A `pattern` is ignored. */
export function makeSample(schema: unknown): Json {
  return sample(schema, schema, 0);
}

function sample(schema: unknown, root: unknown, depth: number): Json {
  if (!isPlainObject(schema) || depth > depthMax) return null;
  const inner = (part: unknown) => sample(part, root, depth + 1);
  if (typeof schema.$ref === "string") return inner(follow(schema.$ref, root));
  if ("const" in schema) return schema.const as Json;
  if ("default" in schema) return schema.default as Json;
  for (const key of ["enum", "examples"]) {
    const [first] = listOf(schema[key]);
    if (first !== undefined) return first as Json;
  }
  for (const key of ["anyOf", "oneOf"]) {
    const [first] = listOf(schema[key]);
    if (first !== undefined) return inner({ ...schema, [key]: undefined, ...Object(first) });
  }
  const all = listOf(schema.allOf);
  if (all.length > 0) return inner(Object.assign({}, schema, { allOf: undefined }, ...all));
  switch (typeOf(schema)) {
    case "object":
      return sampleObject(schema, inner);
    case "array": {
      const first = listOf(schema.prefixItems).map(inner), more = Math.max(0, countOf(schema.minItems) - first.length);
      return [...first, ...Array.from({ length: more }, () => inner(schema.items))];
    }
    case "string":
      return sampleText(schema);
    case "integer":
    case "number":
      return sampleNumber(schema);
    case "boolean":
      return true;
    default:
      return null;
  }
}

function follow(ref: string, root: unknown): unknown {
  const words = ref.replace(/^#\/?/, "").split("/").filter((word) => word !== "");
  return words.reduce<unknown>(
    (at, word) => Object(at)[decodeURIComponent(word).replaceAll("~1", "/").replaceAll("~0", "~")],
    root,
  );
}

function typeOf(schema: Record<string, unknown>): unknown {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const type = types.find((each) => each !== "null") ?? types[0];
  return type ?? (isPlainObject(schema.properties) ? "object" : "items" in schema ? "array" : "string");
}

function sampleObject(schema: Record<string, unknown>, inner: (part: unknown) => Json): Json {
  const properties = Object(schema.properties);
  return Object.fromEntries(listOf(schema.required).map((key) => [String(key), inner(properties[String(key)] ?? {})]));
}

const formats: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  email: "sample@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

function sampleText({ format, minLength, maxLength }: Record<string, unknown>): string {
  const text = formats[String(format)] ?? "sample".padEnd(countOf(minLength), ".");
  return typeof maxLength === "number" ? text.slice(0, maxLength) : text;
}

function sampleNumber(schema: Record<string, unknown>): number {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf } = schema;
  const step = typeof multipleOf === "number" ? multipleOf : 1;
  if (typeof minimum === "number") return Math.ceil(minimum / step) * step;
  if (typeof exclusiveMinimum === "number") return (Math.floor(exclusiveMinimum / step) + 1) * step;
  if (typeof maximum === "number") return Math.min(step, Math.floor(maximum / step) * step);
  if (typeof exclusiveMaximum === "number") return Math.min(step, (Math.ceil(exclusiveMaximum / step) - 1) * step);
  return step;
}

const countOf = (value: unknown): number => typeof value === "number" ? value : 0;
const listOf = (value: unknown): readonly unknown[] => Array.isArray(value) ? value : [];
