/** Parsers for the values of nerve.yaml: durations, sizes, counts and texts. Used by schema.ts. */
import * as z from "zod";
import { formatDuration, formatSize, parseDuration, parseSize } from "../base/duration.ts";

/** Adds an issue at `path` below the current value; `hint` is shown with the message. */
export function addIssue(
  context: z.core.ParsePayload,
  message: string,
  hint: string | null,
  path: (string | number)[] = [],
): void {
  context.issues.push({ code: "custom", message, path, input: context.value, params: { hint } });
}

export function duration(minMs: number): z.ZodOptional<z.ZodType<number | null>> {
  return z.unknown().transform((value, context): number | null => {
    if (value === null || value === undefined) return null;
    if (typeof value !== "string") {
      addIssue(
        context,
        "must be a duration",
        typeof value === "number" ? `write ${value}s or ${value}ms` : "write 10s",
      );
      return z.NEVER;
    }
    const parsed = parseDuration(value);
    if (!parsed.ok) addIssue(context, parsed.error, null);
    else if (parsed.value < minMs) addIssue(context, `must be at least ${formatDuration(minMs)}`, null);
    else return parsed.value;
    return z.NEVER;
  }).optional();
}

export function size(minBytes: number): z.ZodOptional<z.ZodType<number | null>> {
  return z.unknown().transform((value, context): number | null => {
    if (value === null || value === undefined) return null;
    const parsed = typeof value === "string" ? parseSize(value) : null;
    if (parsed === null) addIssue(context, "must be a size", "write 256MiB");
    else if (!parsed.ok) addIssue(context, parsed.error, null);
    else if (parsed.value < minBytes) addIssue(context, `must be at least ${formatSize(minBytes)}`, null);
    else return parsed.value;
    return z.NEVER;
  }).optional();
}

export function count(max: number): z.ZodOptional<z.ZodNullable<z.ZodInt>> {
  return z.int().min(1).max(max).nullish();
}

/** Accepts a text, or what `other` accepts; null when it is absent. */
export function textOr<Value extends z.ZodType>(
  other: Value,
  message: string,
  hint: string | null,
): z.ZodOptional<z.ZodType<string | z.infer<Value> | null>> {
  return z.unknown().transform((value, context): string | z.infer<Value> | null => {
    if (value === null || value === undefined) return null;
    if (typeof value === "string") return value;
    const parsed = other.safeParse(value, { jitless: true });
    if (parsed.success) return parsed.data;
    if (typeof value !== "object") addIssue(context, message, hint);
    else {for (const issue of parsed.error.issues) {
        context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
      }}
    return z.NEVER;
  }).optional();
}
