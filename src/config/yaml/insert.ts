/**
 * Inserts entries into the text of a YAML mapping of mappings and lists. Used by extend.ts, which checks the result;
 * does not know nerve's keys.
 * I1. It only inserts: every character of the text stays, except an empty value (`{}`, `[]`, `null`, `~`).
 * I2. A block gets the lines as given, with their comments; flow style stays flow style.
 */
import type { Pair, ParsedNode, YAMLMap, YAMLSeq } from "yaml";
import { Document, isCollection, isMap, isPair, isScalar, parseDocument, visit } from "yaml";

/** New entries by top-level key, as lines of block YAML, indented by two. */
export type EntryLines = ReadonlyMap<string, readonly string[]>;

type Collection = YAMLMap.Parsed | YAMLSeq.Parsed;

/** Replaces `remove` characters at `at` with `insert`, whose lines end in "\n". */
interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/**
 * Adds the entries at the end of their keys' values in `text`, which must be YAML; a missing key is added at the end.
 * Entries without a place, such as below an alias, are left out.
 */
export function insertEntries(text: string, entries: EntryLines): string {
  const eol = /^[^\n]*\r\n/.test(text) ? "\r\n" : "\n";
  // Every position between two lines is then the start of a line.
  const whole = text === "" || text.endsWith("\n") ? text : text + eol;
  let result = "", done = 0;
  for (const { at, remove, insert } of planEdits(whole, entries).sort((a, b) => a.at - b.at)) {
    result += whole.slice(done, at) + insert.replaceAll("\n", eol);
    done = at + remove;
  }
  return result + whole.slice(done);
}

function planEdits(text: string, entries: EntryLines): Edit[] {
  const root = parseDocument(text).contents;
  if (root === null) return [appendSections(text, 0, 0, entries)];
  if (isEmptyValue(text, root)) {
    return [...removeEmptyValue(text, root), appendSections(text, root.range[1], 0, entries)];
  }
  if (!isMap(root)) return [];
  const edits: Edit[] = [];
  const missing = new Map(entries);
  for (const pair of root.items) {
    const name = isScalar(pair.key) ? String(pair.key.value) : "";
    const lines = missing.get(name);
    if (lines === undefined) continue;
    missing.delete(name);
    edits.push(...insertIntoSection(text, root, pair, name, lines));
  }
  if (missing.size === 0) return edits;
  if (root.flow === true) return [...edits, ...insertIntoFlow(text, root, toFlowLines(missing, null))];
  // Last: an edit at the end of the last section precedes it when both are at the end of the text.
  return [...edits, appendSections(text, root.range[1], columnOf(text, root.range[0]), missing)];
}

function insertIntoSection(
  text: string,
  root: YAMLMap.Parsed,
  { key, value }: Pair<ParsedNode, ParsedNode | null>,
  name: string,
  lines: readonly string[],
): Edit[] {
  const keyColumn = columnOf(text, key.range[0]);
  if (root.flow !== true && (value === null || isEmptyValue(text, value))) {
    const at = skipComments(text, findNextLine(text, (value ?? key).range[1]), keyColumn + 1);
    return [...(value === null ? [] : removeEmptyValue(text, value)), {
      at,
      remove: 0,
      insert: indent(lines, keyColumn),
    }];
  }
  if (!isCollection(value)) return [];
  if (value.flow === true) return insertIntoFlow(text, value, toFlowLines(new Map([[name, lines]]), name));
  const column = columnOf(text, value.range[0]);
  const at = skipComments(text, findNextLine(text, findEnd(value)), Math.max(column, keyColumn + 1));
  return [{ at, remove: 0, insert: indent(lines, column - 2) }];
}

/** Inserts lines before the closing bracket, after a comma. */
function insertIntoFlow(text: string, collection: Collection, lines: readonly string[]): Edit[] {
  const edits: Edit[] = [];
  const close = collection.range[1] - 1;
  const last = collection.items.at(-1);
  const end = last === undefined ? collection.range[0] + 1 : findEnd(last);
  const between = text.slice(end, close);
  if (last !== undefined && !between.replaceAll(/#.*$/gm, "").includes(",")) {
    edits.push({ at: end, remove: 0, insert: "," });
  }
  const opening = text.slice(text.lastIndexOf("\n", collection.range[0]) + 1);
  const base = " ".repeat(opening.length - opening.trimStart().length);
  const insert = lines.map((line) => `${base}  ${line}`).join("\n");
  const lineStart = close - columnOf(text, close);
  if (lineStart >= end && text.slice(lineStart, close).trim() === "") {
    return [...edits, { at: lineStart, remove: 0, insert: `${insert}\n` }];
  }
  const at = end + between.trimEnd().length;
  // A comment at the end of the last line would swallow the bracket.
  const closing = lines.at(-1)?.includes("#") === true ? `\n${base}` : at === close ? " " : "";
  return [...edits, { at, remove: 0, insert: `\n${insert}${closing}` }];
}

/** The entries in flow style, with comments and without the brackets. `within`: only the entries of that key. */
function toFlowLines(entries: EntryLines, within: string | null): string[] {
  const document = parseDocument(toBlock(entries));
  visit(document, {
    Collection: (_, node) => {
      node.flow = true;
    },
  });
  const shown = new Document(within === null ? document.contents : document.get(within));
  const text = shown.toString({ lineWidth: 0 }).trim().slice(1, -1);
  return text.includes("\n") ? text.trim().split("\n").map((line) => line.replace(/^ {2}/, "")) : [text.trim()];
}

/** Appends whole sections after the last line of the document. */
function appendSections(text: string, after: number, column: number, entries: EntryLines): Edit {
  const marker = /^\.\.\.(?=\s|$)/m.exec(text.slice(after));
  const at = marker === null ? text.length : after + marker.index;
  const above = text.slice(0, at);
  const gap = above.trim() === "" || /\n\s*\n$/.test(above) ? "" : "\n";
  return { at, remove: 0, insert: gap + indent(toBlock(entries).trimEnd().split("\n"), column) };
}

function toBlock(entries: EntryLines): string {
  return [...entries].map(([name, lines]) => `${name}:\n${lines.join("\n")}\n`).join("");
}

/** Indents lines by `by` columns, or outdents them if it is negative: every line has at least that many. */
function indent(lines: readonly string[], by: number): string {
  const moved = lines.map((line) => line === "" ? "" : by < 0 ? line.slice(-by) : " ".repeat(by) + line);
  return moved.map((line) => `${line}\n`).join("");
}

/** Whether a value is empty: nothing, `null`, `~`, or brackets without any content, not even a comment. */
function isEmptyValue(text: string, node: ParsedNode): boolean {
  if (isScalar(node)) return node.value === null;
  return isCollection(node) && node.flow === true && text.slice(node.range[0] + 1, node.range[1] - 1).trim() === "";
}

/** Removes an empty value, with the blanks before it. */
function removeEmptyValue(text: string, { range: [start, end] }: ParsedNode): Edit[] {
  if (start === end) return [];
  let at = start;
  while (text[at - 1] === " " || text[at - 1] === "\t") at--;
  return [{ at, remove: end - at, insert: "" }];
}

/** The end of a value's own text: a block's range includes the comments after it. */
function findEnd(item: ParsedNode | Pair<ParsedNode, ParsedNode | null>): number {
  if (isPair(item)) return findEnd(item.value ?? item.key);
  const last = isCollection(item) && item.flow !== true ? item.items.at(-1) : undefined;
  return last === undefined ? item.range[1] : findEnd(last);
}

/** The start of the line after the one with the character before `at`. */
function findNextLine(text: string, at: number): number {
  if (at > 0 && text[at - 1] === "\n") return at;
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

/** The end of the comments at `at` that are indented by `column` or more: they belong to the value before them. */
function skipComments(text: string, at: number, column: number): number {
  let end = at;
  for (let line = at; line < text.length; line = findNextLine(text, line + 1)) {
    const [, indent = "", comment] = /^( *)(#|\r?\n)?/.exec(text.slice(line)) ?? [];
    if (comment === undefined || (comment === "#" && indent.length < column)) break;
    if (comment === "#") end = findNextLine(text, line + 1);
  }
  return end;
}

function columnOf(text: string, at: number): number {
  const start = at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
  return at - start - (start === 0 && text.startsWith("\ufeff") ? 1 : 0);
}
