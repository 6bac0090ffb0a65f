/**
 * Adds senses, reflexes and workflows to the text of nerve.yaml. Used by the command line.
 * I1. The new text is valid and contains exactly the old values and the new entries: it is parsed again and compared.
 *     An unforeseen YAML style is rejected, never damaged.
 */
import { isDeepEqual } from "../../base/deep_equal.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { parseNerveConfig } from "../parse.ts";
import { configFileName } from "../workspace.ts";
import { readDocument } from "./document.ts";
import { type EntryLines, insertEntries } from "./insert.ts";

/**
 * Adds `entries` (lines for `senses`, `reflexes`, `workflows`) to `text`, a valid nerve.yaml. Keeps comments, order and
 * style. The error reports what prevents the change; the lines must then be added by hand.
 */
export function extendConfig(text: string, entries: EntryLines): Result<string, Diagnostic[]> {
  const extended = insertEntries(text, entries);
  if (isDeepEqual(readValue(extended), mergeEntries(readValue(text), entries))) {
    const parsed = parseNerveConfig(extended);
    return parsed.ok ? ok(extended) : err(parsed.error);
  }
  const place = { file: configFileName, line: 1, column: 1 };
  const message = `is written in a style in which a program cannot add to ${[...entries.keys()].join(" and ")}`;
  return err([{ severity: "error", path: "", message, hint: null, place }]);
}

function readValue(text: string): JsonObject {
  const { value } = readDocument(text, configFileName);
  return isPlainObject(value) ? value as JsonObject : {};
}

/** The values that the extended text must have. */
function mergeEntries(old: JsonObject, entries: EntryLines): JsonObject {
  const result: JsonObject = { ...old };
  for (const [key, lines] of entries) {
    const added = readValue(`${key}:\n${lines.join("\n")}\n`)[key] ?? null;
    result[key] = mergeValues(old[key] ?? null, added);
  }
  return result;
}

function mergeValues(old: Json, added: Json): Json {
  if (old === null) return added;
  if (Array.isArray(old) && Array.isArray(added)) return [...old, ...added];
  return isPlainObject(old) && isPlainObject(added) ? { ...added, ...old } as JsonObject : old;
}
