/**
 * nerve.yaml with further senses, reflexes and workflows in it, as a text. Used by the command line.
 * I1. What comes back is right and says what the old text said and the new entries, nothing else: it is read again and
 *     compared. A way of writing YAML that nobody thought of is refused, never damaged.
 */
import { isDeepStrictEqual } from "node:util";
import { err, ok, type Result } from "../../base/result.ts";
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { Problem } from "../diagnostic.ts";
import { parseNerveConfig } from "../parse.ts";
import { configFileName } from "../workspace.ts";
import { readDocument } from "./document.ts";
import { type EntryLines, insertEntries } from "./insert.ts";

/**
 * `text`, which parseNerveConfig takes, with `entries` (lines by `senses`, `reflexes`, `workflows`). Comments, order and
 * style stay as they are. The error says what is in the way; then the lines have to be added by hand.
 */
export function extendConfig(text: string, entries: EntryLines): Result<string, Problem[]> {
  const extended = insertEntries(text, entries);
  if (isDeepStrictEqual(readValue(extended), mergeEntries(readValue(text), entries))) {
    const parsed = parseNerveConfig(extended);
    return parsed.ok ? ok(extended) : err(parsed.error);
  }
  const place = { file: configFileName, line: 1, column: 1 };
  const message = `is written so that ${[...entries.keys()].join(" and ")} cannot be added to by a program`;
  return err([{ severity: "error", path: "", message, hint: null, place }]);
}

function readValue(text: string): JsonObject {
  const { value } = readDocument(text, configFileName);
  return isPlainObject(value) ? value as JsonObject : {};
}

/** What the extended text has to say. */
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
