/**
 * Compiles regular expressions into a program for matcher.ts, whose cost is bounded for every pattern and line. So
 * there are no back references, no look-around, and no excessive repetition.
 */

export type Instruction =
  /** Takes one character. */
  | { readonly op: "take"; readonly fits: (code: number) => boolean; readonly next: number }
  /** Follows both paths. */
  | { readonly op: "split"; readonly next: number; readonly other: number }
  /** A condition between two characters. */
  | { readonly op: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly op: "match" };
export type Assertion = "start" | "end" | "boundary" | "inside";
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
}

type Node =
  | { readonly kind: "take"; readonly fits: (code: number) => boolean }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "all" | "either"; readonly parts: readonly Node[] }
  | { readonly kind: "repeat"; readonly part: Node; readonly min: number; readonly max: number | null };

/** The most instructions of a program: each character of a line costs at most about as many steps. */
export const instructionsMax = 2_000;
const patternCharsMax = 500;

/** Throws a TypeError that names the mistake in the pattern, or the feature that is not supported. */
export function compilePattern(text: string, ignoreCase = false): Program {
  if (text.length > patternCharsMax) throw new TypeError(`a pattern has at most ${patternCharsMax} characters`);
  const node = new PatternParser(text, ignoreCase).parse();
  const instructions: Instruction[] = [{ op: "match" }];
  const add = (instruction: Instruction): number => {
    if (instructions.length >= instructionsMax) throw new TypeError(`the pattern ${quoteText(text)} repeats too much`);
    return instructions.push(instruction) - 1;
  };
  return { start: emit(node, 0, add, instructions), instructions };
}

/** Emits from the end to the beginning: each part must know what follows it. */
function emit(node: Node, next: number, add: (i: Instruction) => number, all: Instruction[]): number {
  switch (node.kind) {
    case "take":
      return add({ op: "take", fits: node.fits, next });
    case "assert":
      return add({ op: "assert", what: node.what, next });
    case "all":
      return node.parts.reduceRight((after, part) => emit(part, after, add, all), next);
    case "either":
      return node.parts.map((part) => emit(part, next, add, all))
        .reduce((first, second) => add({ op: "split", next: first, other: second }));
    case "repeat": {
      let start = next;
      if (node.max === null) {
        start = add({ op: "split", next, other: next });
        all[start] = { op: "split", next: emit(node.part, start, add, all), other: next };
      }
      for (let optional = node.min; optional < (node.max ?? 0); optional++) {
        start = add({ op: "split", next: emit(node.part, start, add, all), other: next });
      }
      for (let wanted = 0; wanted < node.min; wanted++) start = emit(node.part, start, add, all);
      return start;
    }
  }
}

function quoteText(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

type Fits = (code: number) => boolean;

const isDigit: Fits = (code) => code >= 48 && code <= 57;
export const isWord: Fits = (code) =>
  isDigit(code) || code >= 65 && code <= 90 || code >= 97 && code <= 122 || code === 95;
const isSpace: Fits = (code) => /\s/u.test(String.fromCodePoint(code));
const not = (fits: Fits): Fits => (code) => !fits(code);
const classes: Readonly<Record<string, Fits>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };
const lineEnds = new Set([10, 13, 0x2028, 0x2029]);

class PatternParser {
  readonly #text: string;
  readonly #characters: readonly string[];
  readonly #ignoreCase: boolean;
  #at = 0;

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text;
    this.#characters = [...text];
    this.#ignoreCase = ignoreCase;
  }

  parse(): Node {
    const node = this.#either();
    if (this.#at < this.#characters.length) this.#refuse("has a ) too many");
    return node;
  }

  #refuse(why: string): never {
    throw new TypeError(`the pattern ${quoteText(this.#text)} ${why}`);
  }

  #take(wanted: string): boolean {
    if (!wanted.split("").every((character, ahead) => this.#characters[this.#at + ahead] === character)) return false;
    this.#at += wanted.length;
    return true;
  }

  #next(): string {
    return this.#characters[this.#at++] ?? this.#refuse("ends too early");
  }

  #either(): Node {
    const parts = [this.#sequence()];
    while (this.#take("|")) parts.push(this.#sequence());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "either", parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (;;) {
      const character = this.#characters[this.#at];
      if (character === undefined || character === "|" || character === ")") return { kind: "all", parts };
      parts.push(this.#repeated(this.#atom()));
    }
  }

  #repeated(part: Node): Node {
    const range = this.#repetition();
    if (range === null) return part;
    if (part.kind === "assert") this.#refuse("repeats what takes no character");
    // A lazy repetition matches the same lines.
    this.#take("?");
    if (this.#repetition() !== null) this.#refuse("has a repetition that repeats nothing");
    return { kind: "repeat", part, min: range[0], max: range[1] };
  }

  #repetition(): [number, number | null] | null {
    if (this.#take("*")) return [0, null];
    if (this.#take("+")) return [1, null];
    if (this.#take("?")) return [0, 1];
    if (!this.#take("{")) return null;
    const end = this.#characters.indexOf("}", this.#at);
    const found = /^(\d{1,4})(,(\d{1,4})?)?$/.exec(this.#characters.slice(this.#at, end).join(""));
    if (end < 0 || found === null) this.#refuse("has a { that begins no repetition: write \\{ for the character");
    this.#at = end + 1;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === undefined ? null : Number(found[3]);
    if (max !== null && max < min) this.#refuse("has a repetition whose numbers are out of order");
    return [min, max];
  }

  #atom(): Node {
    if (this.#take("(")) return this.#group();
    if (this.#take("[")) return { kind: "take", fits: this.#class() };
    if (this.#take("^")) return { kind: "assert", what: "start" };
    if (this.#take("$")) return { kind: "assert", what: "end" };
    if (this.#take("\\b")) return { kind: "assert", what: "boundary" };
    if (this.#take("\\B")) return { kind: "assert", what: "inside" };
    if (this.#take(".")) return { kind: "take", fits: (code) => !lineEnds.has(code) };
    if (this.#repetition() !== null) this.#refuse("has a repetition that repeats nothing");
    if (this.#take("]") || this.#take("}")) this.#refuse("has a ] or } that ends nothing: write \\ before it");
    const one = this.#one();
    return { kind: "take", fits: typeof one === "number" ? this.#folded((code) => code === one) : one };
  }

  #group(): Node {
    if (!this.#take("?:") && this.#take("?")) this.#refuse("uses a kind of group that this sense does not know");
    const node = this.#either();
    if (!this.#take(")")) this.#refuse("has a ( without its )");
    return node;
  }

  /** A character, or a class such as \d. */
  #one(): number | Fits {
    const character = this.#next();
    if (character !== "\\") return character.codePointAt(0) ?? 0;
    const escaped = this.#next();
    const fits = classes[escaped], control = controls[escaped];
    if (fits !== undefined) return fits;
    if (control !== undefined) return control;
    if (/^[\da-zA-Z]$/.test(escaped)) this.#refuse(`uses \\${escaped}, which this sense does not know`);
    return escaped.codePointAt(0) ?? 0;
  }

  #class(): Fits {
    const negated = this.#take("^");
    const members: Fits[] = [];
    while (!this.#take("]")) {
      const from = this.#one();
      if (this.#characters[this.#at] !== "-" || this.#characters[this.#at + 1] === "]") {
        members.push(typeof from === "number" ? (code) => code === from : from);
        continue;
      }
      this.#take("-");
      const to = this.#one();
      if (typeof from !== "number" || typeof to !== "number" || to < from) this.#refuse("has a range out of order");
      members.push((code) => code >= from && code <= to);
    }
    const fits = this.#folded((code) => members.some((member) => member(code)));
    return negated ? not(fits) : fits;
  }

  #folded(fits: Fits): Fits {
    if (!this.#ignoreCase) return fits;
    return (code) => {
      const character = String.fromCodePoint(code);
      const others = [character.toLowerCase(), character.toUpperCase()].filter((other) => [...other].length === 1);
      return fits(code) || others.some((other) => fits(other.codePointAt(0) ?? code));
    };
  }
}
