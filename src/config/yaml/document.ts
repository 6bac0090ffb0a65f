/**
 * Turns the text of nerve.yaml into plain values with their places. Used by parse.ts and extend.ts; knows YAML, but not
 * the meaning of nerve's keys.
 * I1. It never throws. The limits on size, depth and number of values bound its time and memory: an alias counts as all
 *     values it stands for.
 * I2. Its value is JSON: no cycle, no date, no NaN, no key `__proto__`.
 */
import type { Alias, Document, Pair } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { messageOf } from "../../base/errors.ts";
import { configDepthMax, configNodesMax } from "../../base/limits.ts";
import type { Json, JsonObject } from "../../protocol/json.ts";
import type { Place } from "../../protocol/signal.ts";
import { type ConfigPath, type Diagnostic, formatConfigPath, quote } from "../diagnostic.ts";
import { DiagnosticList, type PlaceOf } from "../diagnostic_list.ts";
import { findOffset, startOf, toKeyText } from "./places.ts";
import { findUnquoted, quoteHint } from "./unquoted.ts";

export interface ConfigDocument {
  /** Null when the text is empty, or not YAML. */
  readonly value: Json;
  /** False when the text is not YAML: then `value` has no meaning. */
  readonly readable: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** The place of the key or list item at `path`, or of its nearest parent in the file. */
  readonly placeOf: PlaceOf;
}

export function readDocument(text: string, file: string): ConfigDocument {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  let document: Document.Parsed;
  try {
    // The library's duplicate check compares every pair of keys; Converter finds duplicates by lookup instead.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  } catch (thrown) {
    // The library collects syntax errors; one that it throws is a bug of its own and must not end the kernel.
    const diagnostic = {
      severity: "error" as const,
      path: "",
      message: `is not YAML: ${messageOf(thrown)}`,
      hint: null,
    };
    return { value: null, readable: false, diagnostics: [{ ...diagnostic, place: place(0) }], placeOf: () => place(0) };
  }
  const placeOf: PlaceOf = (path, within) => place(findOffset(document, text, path, within));
  const syntax = describeSyntaxErrors(document.errors.slice(0, syntaxErrorsShown), text, place);
  if (syntax.length > 0) return { value: null, readable: false, diagnostics: syntax, placeOf };
  const diagnostics = new DiagnosticList(placeOf);
  const value = new Converter(diagnostics, place).convert(document.contents, [], 0);
  const warnings = document.warnings.slice(0, syntaxErrorsShown).map((fault): Diagnostic => ({
    severity: "warning",
    path: "",
    message: fault.message,
    hint: null,
    place: place(fault.pos[0]),
  }));
  return { value, readable: true, diagnostics: [...diagnostics.sorted(), ...warnings], placeOf };
}

const syntaxErrorsShown = 20;

function describeSyntaxErrors(
  faults: readonly Document.Parsed["errors"][number][],
  text: string,
  place: (offset: number) => Place,
): Diagnostic[] {
  const seen = new Set<number>();
  return faults.flatMap(({ code, message, pos: [offset] }): Diagnostic[] => {
    const found = describeSyntaxError(code, message, text, offset);
    // YAML reports a fault at each * of a cron line.
    if (seen.has(found.offset)) return [];
    seen.add(found.offset);
    return [{ severity: "error", path: "", message: found.message, hint: found.hint, place: place(found.offset) }];
  });
}

interface SyntaxFault {
  readonly message: string;
  readonly hint: string | null;
  readonly offset: number;
}

function describeSyntaxError(code: string, message: string, text: string, offset: number): SyntaxFault {
  // A cron line that continues with digits is an alias followed by a text.
  const isAlias = /alias|unexpected scalar at node end/i.test(message);
  const sign = isAlias ? "*" : /cannot start with .*character (.)$/.exec(message)?.[1];
  const unquoted = sign === undefined ? null : findUnquoted(text, offset, sign);
  if (unquoted === null) return { ...describeByCode(code, message), offset };
  const meaning = sign === "*" ? "for an alias" : "for itself";
  const found = `is not YAML: ${quote(unquoted.value)} begins with ${sign}, which YAML keeps ${meaning}`;
  return { message: found, hint: quoteHint(unquoted), offset: unquoted.offset };
}

function describeByCode(code: string, message: string): { message: string; hint: string | null } {
  switch (code) {
    case "RESOURCE_EXHAUSTION":
      return { message: `nests deeper than ${configDepthMax} levels`, hint: null };
    case "MULTIPLE_DOCS":
      return { message: "contains more than one YAML document", hint: "remove the line ---" };
    case "TAB_AS_INDENT":
      return { message, hint: "indent with spaces" };
    default:
      return { message: `is not YAML: ${message}`, hint: null };
  }
}

/** Turns YAML nodes into JSON, in the order of the file: an anchor is known before its aliases. */
class Converter {
  readonly #diagnostics: DiagnosticList;
  readonly #place: (offset: number) => Place;
  readonly #anchors = new Map<string, { value: Json; nodes: number }>();
  #nodes = 0;

  constructor(diagnostics: DiagnosticList, place: (offset: number) => Place) {
    this.#diagnostics = diagnostics;
    this.#place = place;
  }

  convert(node: unknown, path: ConfigPath, depth: number): Json {
    const nodesBefore = this.#nodes;
    if (depth > configDepthMax) return this.#refuse(path, `nests deeper than ${configDepthMax} levels`);
    if (!this.#countNodes(1, path)) return null;
    if (isAlias(node)) return this.#resolveAlias(node, path);
    const value = this.#convertNode(node, path, depth);
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { value, nodes: this.#nodes - nodesBefore });
    }
    return value;
  }

  #convertNode(node: unknown, path: ConfigPath, depth: number): Json {
    if (node === null || node === undefined) return null;
    if (isMap(node)) return this.#convertMap(node.items, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.convert(item, [...path, index], depth + 1));
    if (!isScalar(node)) return this.#refuse(path, "is not a value that nerve can read");
    const { value } = node;
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number") return this.#convertNumber(value, node.source ?? String(value), path);
    return this.#refuse(path, "is not a number, a text, true, false or null");
  }

  /** A whole number beyond 2^53 would silently become another one, and a number close to zero would become 0. */
  #convertNumber(value: number, source: string, path: ConfigPath): Json {
    const written = source.slice(0, 80), quoted = `put it in quotes: "${written}"`;
    if (/nan|inf/i.test(source)) return this.#refuse(path, `is ${written}, which is no number`, quoted);
    const isLost = value === 0 && /^[-+]?[\d.]*[1-9]/.test(source);
    if (isLost || !Number.isFinite(value)) {
      return this.#refuse(
        path,
        `is the number ${written}, which is too ${isLost ? "small" : "large"} to be kept`,
        quoted,
      );
    }
    if (Number.isSafeInteger(value) || !Number.isInteger(value) || isKept(value, source)) return value;
    const hint = `to keep its digits, ${quoted}`;
    return this.#refuse(path, `is the number ${written}, which is too large to be kept exactly`, hint);
  }

  #convertMap(items: readonly Pair[], path: ConfigPath, depth: number): JsonObject {
    const object: JsonObject = {};
    for (const { key, value } of items) {
      const name = toKeyText(key);
      if (name === null || name === "__proto__") {
        this.#diagnostics.error(
          path,
          name === null ? "has a key that is not a text" : `must not have the key ${name}`,
        );
        continue;
      }
      const at = [...path, name];
      if (name === "<<" && isScalar(key) && key.type === "PLAIN") {
        this.#refuse(at, 'unknown key "<<"', "merge keys are not part of YAML 1.2: write the keys themselves");
        continue;
      }
      if (Object.hasOwn(object, name)) {
        // `placeOf` finds the first of them; this reports the repeated one.
        const place = this.#place(startOf(key) ?? 0);
        const message = "is given more than once";
        this.#diagnostics.add({
          severity: "error",
          path: formatConfigPath(at),
          message,
          hint: "keep one of them",
          place,
        });
        continue;
      }
      object[name] = this.convert(value, at, depth + 1);
    }
    return object;
  }

  #resolveAlias(node: Alias, path: ConfigPath): Json {
    const anchor = this.#anchors.get(node.source);
    // An anchor is known once its value is complete, so an alias inside its own anchor ends here too.
    if (anchor === undefined) {
      const written = `*${node.source}`, message = `the alias ${quote(node.source)} has no anchor above it`;
      this.#refuse(path, message, `if ${written} is meant as text, ${quoteHint({ value: written, offset: 0 })}`);
      // With the text that was meant, the other checks report only what is wrong.
      return written;
    }
    return this.#countNodes(anchor.nodes, path) ? anchor.value : null;
  }

  #countNodes(nodes: number, path: ConfigPath): boolean {
    const wasFull = this.#nodes > configNodesMax;
    this.#nodes += nodes;
    if (this.#nodes <= configNodesMax) return true;
    if (!wasFull) this.#refuse(path, `exceeds the limit of ${configNodesMax} values`);
    return false;
  }

  #refuse(path: ConfigPath, message: string, hint?: string): null {
    this.#diagnostics.error(path, message, hint);
    return null;
  }
}

/** Whether a large whole number keeps its digits. Digits do not matter in a number with a point or an exponent. */
function isKept(value: number, source: string): boolean {
  if (/^[-+]?\d*[.e]/i.test(source)) return true;
  const digits = source.replace(/^\+/, "");
  // BigInt reads no sign before 0x.
  return String(value) === digits || (/^(?:-?\d+|0[xo][\da-f]+)$/i.test(digits) && BigInt(digits) === BigInt(value));
}
