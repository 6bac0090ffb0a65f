/** The answers that agents have to write for the next phases, as JSON Schemas for the agents. Used by index.ts. */
import type { JsonObject } from "nerve";

const text: JsonObject = { type: "string", minLength: 1, maxLength: 20_000 };
const texts: JsonObject = { type: "array", items: text, maxItems: 200 };

export const specificationSchema: JsonObject = {
  type: "object",
  properties: {
    title: { type: "string", minLength: 1, maxLength: 200 },
    summary: text,
    requirements: { ...texts, minItems: 1 },
    acceptance: { ...texts, minItems: 1 },
    openQuestions: texts,
  },
  required: ["title", "summary", "requirements", "acceptance"],
};

export const planSchema: JsonObject = {
  type: "object",
  properties: {
    steps: { ...texts, minItems: 1 },
    tests: texts,
  },
  required: ["steps"],
};

export const reviewSchema: JsonObject = {
  type: "object",
  properties: {
    verdict: { enum: ["approve", "changes"] },
    summary: text,
    findings: {
      type: "array",
      maxItems: 100,
      items: {
        type: "object",
        properties: { file: { type: "string" }, line: { type: "integer" }, what: text },
        required: ["what"],
      },
    },
  },
  required: ["verdict", "summary"],
};
