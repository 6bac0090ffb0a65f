/**
 * Reads the schema that the author gave for an artifact. A schema of zod, or of any library that follows Standard
 * Schema, is the author's code and checks here; a JSON Schema goes to the kernel, which checks the artifact with it.
 * Used by agent_roles.ts.
 */
import { artifactSchemaMaxBytes } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ArtifactFound } from "../protocol/agent.ts";
import { isPlainObject, type Json, toJsonText } from "../protocol/json.ts";

export interface ArtifactCheck {
  /** The JSON Schema as text; null: there is none. */
  readonly json: string | null;
  /** Whether the kernel checks with it. */
  readonly enforced: boolean;
  readonly fits: (value: Json) => ArtifactFound | Promise<ArtifactFound>;
}

/** How many problems are reported to the agent. */
const issuesMax = 20;

export function readArtifactSchema(schema: unknown): Result<ArtifactCheck, string> {
  if (schema === undefined) return ok({ json: null, enforced: false, fits: (value) => ({ value }) });
  const standard = schema === null ? undefined : Reflect.get(Object(schema), "~standard");
  if (standard !== undefined) {
    const validate = Reflect.get(Object(standard), "validate");
    if (typeof validate !== "function") return err('has no function "validate", as Standard Schema wants');
    const fits = (value: Json) => judge((each) => validate.call(standard, each), value);
    return ok({ json: describe(schema), enforced: false, fits });
  }
  if (!isPlainObject(schema)) return err("is neither a schema of zod nor a JSON Schema");
  const text = toJsonText(schema, artifactSchemaMaxBytes);
  return text.ok ? ok({ json: text.value, enforced: true, fits: (value) => ({ value }) }) : err(text.error);
}

/** The JSON Schema of a zod schema: the agent sees it, and the kernel need not check it. Null where zod has none. */
function describe(schema: unknown): string | null {
  const toSchema = Reflect.get(Object(schema), "toJSONSchema");
  if (typeof toSchema !== "function") return null;
  try {
    const text = toJsonText(toSchema.call(schema, { io: "input" }), artifactSchemaMaxBytes);
    return text.ok ? text.value : null;
  } catch {
    // Not every zod schema has a JSON Schema: a transform has none.
    return null;
  }
}

async function judge(validate: (value: Json) => unknown, value: Json): Promise<ArtifactFound> {
  let result: unknown;
  try {
    result = await validate(value);
  } catch (thrown) {
    return { fault: `its schema refuses it: ${messageOf(thrown)}` };
  }
  const issues = Reflect.get(Object(result), "issues");
  if (!Array.isArray(issues)) return { value };
  const lines = issues.slice(0, issuesMax).map((issue) => {
    const { message, path } = Object(issue), at = Array.isArray(path) ? path.map(keyOf).join(".") : "";
    return `${at === "" ? "" : `${at}: `}${String(message)}`;
  });
  return {
    fault: [...lines, ...issues.length > issuesMax ? [`and ${issues.length - issuesMax} more`] : []].join("; "),
  };
}

function keyOf(part: unknown): string {
  return String(typeof part === "object" && part !== null ? Reflect.get(part, "key") : part);
}
