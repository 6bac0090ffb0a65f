/** Locates the keys and values of a YAML document in its text. Used by document.ts. */
import type { Document, Scalar } from "yaml";
import { isAlias, isMap, isScalar, isSeq } from "yaml";
import type { ConfigPath } from "../diagnostic.ts";

/**
 * The offset of the key or item at `path`, or of its nearest parent. With `within`, the offset of that character of its
 * text, if the file contains the text unchanged.
 */
export function findOffset(document: Document.Parsed, text: string, path: ConfigPath, within?: number): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => toKeyText(item.key) === step);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? startOf(pair.value) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === "number") {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return within !== undefined && isScalar(node) ? findWithin(node, text, within) ?? offset : offset;
}

/** Null when escapes or folded lines make the text in the file differ from the value. */
function findWithin({ value, range }: Scalar, text: string, within: number): number | null {
  if (typeof value !== "string" || range == null) return null;
  const [start, end] = range, written = text.slice(start, end);
  if (written.startsWith(value)) return start + within;
  if (/^["']/.test(written) && written.slice(1).startsWith(value)) return start + 1 + within;
  if (!written.startsWith("|")) return null;
  const before = value.slice(0, within).split("\n"), column = before.at(-1)?.length ?? 0;
  const lines = written.split("\n"), [, first = ""] = lines;
  const lineStart = lines.slice(0, before.length).reduce((sum, each) => sum + each.length + 1, start);
  return lineStart + (first.length - first.trimStart().length) + column;
}

export function startOf(node: unknown): number | undefined {
  const known = isMap(node) || isSeq(node) || isScalar(node) || isAlias(node);
  return known ? node.range?.[0] : undefined;
}

/** A key as written (`on`, `10`); null when it is a list, a mapping or an alias. */
export function toKeyText(key: unknown): string | null {
  if (key === null) return "";
  if (!isScalar(key)) return null;
  return typeof key.value === "string" ? key.value : key.source ?? String(key.value);
}
