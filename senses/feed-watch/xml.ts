/**
 * A small XML parser for untrusted documents: elements, attributes, text, namespaces. Used by feed.ts.
 * I1. Nothing is fetched or expanded. It knows the five entities of XML and numeric character references; a document
 *     that declares its own entities is refused, and any other reference is kept as text.
 * I2. Time and memory are bounded by the length of the text: elements and depth are limited, and the text is read once.
 */

export interface XmlElement {
  /** The namespace's URI, or "". */
  readonly namespace: string;
  /** Without its prefix. */
  readonly name: string;
  /** By name as written, with its prefix. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly content: readonly (string | XmlElement)[];
}

const elementsMax = 50_000, depthMax = 64;

/** Throws an Error that says where the text is not XML, or which limit it exceeds. */
export function parseXml(text: string): XmlElement {
  return new XmlParser(text).parse();
}

/** The text of the element and of everything inside it, in order. */
export function textOf(element: XmlElement): string {
  return element.content.map((part) => typeof part === "string" ? part : textOf(part)).join("");
}

/** The prefixes that an element declares; all others are its parent's. */
interface Scope {
  readonly own: ReadonlyMap<string, string>;
  readonly parent: Scope | null;
}
interface Open {
  readonly tag: string;
  readonly scope: Scope;
  readonly content: (string | XmlElement)[];
}

const nameToken = `[^\\s=/>"'<&]+`;
const openTag = new RegExp(
  `<(${nameToken})((?:\\s+${nameToken}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>`,
  "y",
);
const closeTag = new RegExp(`</(${nameToken})\\s*>`, "y");
const attribute = new RegExp(`(${nameToken})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "g");

class XmlParser {
  readonly #text: string;
  #at = 0;
  #elements = 0;
  readonly #open: Open[] = [];
  #root: XmlElement | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): XmlElement {
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf("<", this.#at);
      const end = next < 0 ? this.#text.length : next;
      this.#characters(decode(this.#text.slice(this.#at, end)));
      this.#at = end;
      if (next >= 0) this.#markup();
    }
    if (this.#open.length > 0) this.#refuse(`<${this.#open.at(-1)?.tag}> is not closed`);
    return this.#root ?? this.#refuse("it has no element");
  }

  #refuse(why: string): never {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    throw new Error(`line ${line} is not XML: ${why}`);
  }

  #characters(text: string): void {
    const parent = this.#open.at(-1);
    if (parent !== undefined) {
      if (text !== "") parent.content.push(text);
    } else if (text.replace(/^\uFEFF/, "").trim() !== "") this.#refuse("text outside all elements");
  }

  #markup(): void {
    const starts = (prefix: string) => this.#text.startsWith(prefix, this.#at);
    if (starts("<!--")) this.#skip("<!--", "-->");
    else if (starts("<![CDATA[")) this.#characters(this.#skip("<![CDATA[", "]]>"));
    else if (starts("<?")) this.#skip("<?", "?>");
    else if (starts("<!")) {
      if (this.#skip("<!", ">").includes("[")) this.#refuse("it declares entities or elements of its own");
    } else if (starts("</")) this.#close();
    else this.#begin();
  }

  /** Returns the text between `start` and `end`. */
  #skip(start: string, end: string): string {
    const from = this.#at + start.length, to = this.#text.indexOf(end, from);
    if (to < 0) this.#refuse(`${start} without ${end}`);
    this.#at = to + end.length;
    return this.#text.slice(from, to);
  }

  #begin(): void {
    openTag.lastIndex = this.#at;
    const found = openTag.exec(this.#text);
    if (found === null) this.#refuse("a < that begins no element");
    if (this.#root !== null && this.#open.length === 0) this.#refuse("a second element at the top");
    if (++this.#elements > elementsMax) this.#refuse(`more than ${elementsMax} elements`);
    if (this.#open.length >= depthMax) this.#refuse(`elements deeper than ${depthMax}`);
    const [whole, tag = "", written = "", empty] = found;
    const attributes = new Map<string, string>();
    for (const [, name = "", one, other] of written.matchAll(attribute)) {
      attributes.set(name, decode(one ?? other ?? ""));
    }
    const scope = scopeOf(attributes, this.#open.at(-1)?.scope ?? null);
    const content: (string | XmlElement)[] = [];
    const element: XmlElement = { ...this.#qualified(tag, scope), attributes, content };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else parent.content.push(element);
    if (empty === "") this.#open.push({ tag, scope, content });
    this.#at += whole.length;
  }

  #close(): void {
    closeTag.lastIndex = this.#at;
    const [whole = "", tag = ""] = closeTag.exec(this.#text) ?? [];
    const open = this.#open.pop();
    if (whole === "" || open?.tag !== tag) this.#refuse(`</${tag}> where <${open?.tag ?? ""}> is open`);
    this.#at += whole.length;
  }

  #qualified(tag: string, scope: Scope): { namespace: string; name: string } {
    const colon = tag.indexOf(":"), prefix = colon < 0 ? "" : tag.slice(0, colon);
    for (let at: Scope | null = scope; at !== null; at = at.parent) {
      const namespace = at.own.get(prefix);
      if (namespace !== undefined) return { namespace, name: tag.slice(colon + 1) };
    }
    // Feeds do use undeclared prefixes; such an element is ignored.
    return prefix === ""
      ? { namespace: "", name: tag }
      : { namespace: `unknown prefix ${prefix}`, name: tag.slice(colon + 1) };
  }
}

function scopeOf(attributes: ReadonlyMap<string, string>, parent: Scope | null): Scope {
  const own = new Map<string, string>();
  for (const [name, value] of attributes) {
    if (name === "xmlns") own.set("", value);
    else if (name.startsWith("xmlns:")) own.set(name.slice("xmlns:".length), value);
  }
  return parent !== null && own.size === 0 ? parent : { own, parent };
}

const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : "\uFFFD";
  });
}
