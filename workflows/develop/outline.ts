/**
 * Reads the part of YAML that templates use: keys and lists by indentation, texts, whole numbers, comments.
 * Anything else is an error that names its line. Used by pins.ts.
 */
export type Outline = string | number | Outline[] | { [key: string]: Outline };

interface Line {
  readonly at: number;
  readonly indent: number;
  readonly text: string;
}

export function readOutline(text: string): Outline {
  const lines = text.split("\n").flatMap((whole, index): Line[] => {
    const line = whole.replace(/(^|\s)#.*$/, "").trimEnd();
    if (/^\s*\t/.test(line)) throw new TypeError(`line ${index + 1}: indent with spaces`);
    return line.trim() === "" ? [] : [{ at: index + 1, indent: line.search(/\S/), text: line.trim() }];
  });
  const reader = new Reader(lines), value = reader.read(0);
  reader.expectEnd();
  return value;
}

class Reader {
  readonly #lines: Line[];
  #next = 0;

  constructor(lines: readonly Line[]) {
    this.#lines = [...lines];
  }

  read(indent: number): Outline {
    const first = this.#lines[this.#next];
    if (first === undefined) throw new TypeError("it is empty");
    if (first.indent < indent) throw new TypeError(`line ${first.at}: something is missing before it`);
    return first.text.startsWith("- ") ? this.#readList(first.indent) : this.#readKeys(first.indent);
  }

  expectEnd(): void {
    const line = this.#lines[this.#next];
    if (line !== undefined) throw new TypeError(`line ${line.at}: it is indented in another way than those before it`);
  }

  #readList(indent: number): Outline[] {
    const list: Outline[] = [];
    for (let line = this.#at(indent); line?.text.startsWith("- ") === true; line = this.#at(indent)) {
      const rest = line.text.slice(2).trim();
      if (/^[\w-]+:(\s|$)/.test(rest)) {
        // The keys of an item begin after its dash.
        this.#lines[this.#next] = { ...line, indent: indent + 2, text: rest };
        list.push(this.#readKeys(indent + 2));
      } else {
        this.#next++;
        list.push(readScalar(rest, line));
      }
    }
    return list;
  }

  #readKeys(indent: number): { [key: string]: Outline } {
    const keys: { [key: string]: Outline } = {};
    for (let line = this.#at(indent); line !== undefined && !line.text.startsWith("- "); line = this.#at(indent)) {
      const [, key = "", value = ""] = /^([\w-]+):(?:\s+(.*))?$/.exec(line.text) ?? [];
      if (key === "") throw new TypeError(`line ${line.at}: write it as KEY: VALUE`);
      if (Object.hasOwn(keys, key)) throw new TypeError(`line ${line.at}: ${key} is there twice`);
      this.#next++;
      keys[key] = value === "" ? this.read(indent + 1) : readScalar(value, line);
    }
    return keys;
  }

  #at(indent: number): Line | undefined {
    const line = this.#lines[this.#next];
    return line?.indent === indent ? line : undefined;
  }
}

function readScalar(text: string, { at }: Line): string | number {
  if (/^\d+$/.test(text)) return Number(text);
  const quoted = /^(["'])([^"'\\]*)\1$/.exec(text)?.[2];
  if (quoted !== undefined) return quoted;
  if (/^[[{&*!|>%@`"']/.test(text)) {
    throw new TypeError(`line ${at}: ${text.slice(0, 40)} is more than a text or a number`);
  }
  return text;
}
