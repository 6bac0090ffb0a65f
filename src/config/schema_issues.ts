/** Explains zod's issues in nerve.yaml to its author. Used by error_recovery.ts. */
import type * as z from "zod";
import { type ConfigPath, quote } from "./diagnostic.ts";
import type { Hint } from "./diagnostic_list.ts";
import { hintNearest } from "../base/did_you_mean.ts";
import { listKnownKeys } from "./schema.ts";

export interface ExplainedIssue {
  readonly path: ConfigPath;
  readonly message: string;
  readonly hint: Hint;
}

/** One issue of zod may become several diagnostics. `input` is the value that was parsed. */
export function explainIssue(issue: z.core.$ZodIssue, input: unknown): ExplainedIssue[] {
  const path = toConfigPath(issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key ${quote(key)}`,
        hint: () => hintNearest(key, listKnownKeys(path)),
      }));
    case "invalid_type": {
      const found = findValueAt(input, path);
      const key = path.at(-1);
      if (found === undefined && key !== undefined) {
        return [{ path: path.slice(0, -1), message: `the key ${quote(String(key))} is missing`, hint: null }];
      }
      return [{
        path,
        message: `must be ${typeWords[issue.expected] ?? issue.expected}`,
        hint: hintType(issue, found),
      }];
    }
    case "invalid_value": {
      const values = issue.values.map(String);
      const found = findValueAt(input, path);
      const hint = typeof found === "string" && values.length > 1 ? hintNearest(found, values) : null;
      return [{ path, message: `must be ${values.join(" or ")}`, hint }];
    }
    case "too_small":
      return [{ path, message: `must be at least ${issue.minimum}`, hint: null }];
    case "too_big":
      return [{ path, message: `must be at most ${issue.maximum}`, hint: null }];
    case "custom": {
      const hint: unknown = issue.params?.["hint"];
      return [{ path, message: issue.message, hint: typeof hint === "string" ? hint : null }];
    }
    default:
      return [{ path, message: issue.message, hint: null }];
  }
}

function hintType({ expected }: z.core.$ZodIssueInvalidType, found: unknown): string | null {
  if (expected === "array" && typeof found === "string") return `write [${found.slice(0, 80)}]`;
  // YAML does not read 007, 1e3 and true as text.
  return expected === "string" && (typeof found === "number" || typeof found === "boolean") ? "put it in quotes" : null;
}

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

export function toConfigPath(path: readonly PropertyKey[]): (string | number)[] {
  return path.map((step) => typeof step === "symbol" ? String(step) : step);
}

/** The value at `path`; undefined when there is none. */
export function findValueAt(root: unknown, path: ConfigPath): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
