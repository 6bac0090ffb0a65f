/** Samples match the schemas that they are made from, according to the validators that judge artifacts. */
import assert from "node:assert/strict";
import * as z from "zod";
import { makeSample } from "../../../src/agents/json_sample.ts";

const schemas: Readonly<Record<string, z.ZodType>> = {
  text: z.string().min(10).max(12),
  "a short text": z.string().max(2),
  "a date and time": z.iso.datetime(),
  address: z.email(),
  "whole number": z.int().min(3).max(9),
  "number below": z.number().lt(0),
  "number above": z.number().gt(5),
  multiple: z.number().multipleOf(5).min(7),
  choice: z.enum(["approve", "reject"]),
  literal: z.literal("x"),
  list: z.array(z.strictObject({ id: z.string(), done: z.boolean() })).min(2),
  pair: z.tuple([z.string(), z.number()]),
  union: z.union([z.strictObject({ kind: z.literal("a"), n: z.int() }), z.string()]),
  both: z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })),
  nullable: z.strictObject({ note: z.string().nullable(), more: z.string().optional() }),
  record: z.record(z.string(), z.int()),
  standard: z.strictObject({ n: z.int().default(7) }),
};

for (const [name, schema] of Object.entries(schemas)) {
  Deno.test(`makeSample() fits: ${name}`, () => {
    const sample = makeSample(z.toJSONSchema(schema));
    assert.ok(schema.safeParse(sample).success, JSON.stringify(sample));
  });
}

Deno.test("makeSample() ends in a schema that contains itself", () => {
  const node = { type: "object", required: ["next"], properties: { next: { $ref: "#/$defs/node" } } };
  assert.match(JSON.stringify(makeSample({ $ref: "#/$defs/node", $defs: { node } })), /^(\{"next":)+null\}+$/);
});

Deno.test("makeSample() of what is no schema is null", () => {
  for (const none of [null, true, 7, "x", { $ref: "#/nowhere" }]) assert.equal(makeSample(none), null);
});
