/**
 * Matches a line against a pattern in one pass: it follows all paths through the program at once, and caches each set
 * of paths with its successors (a deterministic automaton, built as needed). Imported by the senses log-pattern and
 * url-change.
 * I1. A character costs one lookup, or at most one step for each instruction of the program.
 * I2. The cache is bounded: when it is full, it is emptied and built anew.
 */
import { type Assertion, compilePattern, isWord, type Program } from "./pattern.ts";

type Kind = "edge" | "word" | "other";

/** A set of paths after a character of some kind. */
interface State {
  readonly ways: readonly number[];
  readonly before: Kind;
  readonly after: Map<number, State | typeof matched>;
  atEnd: boolean | null;
}
const matched = Symbol("matched");

const rememberedMax = 20_000;

export class Matcher {
  readonly pattern: string;
  readonly #program: Program;
  readonly #states = new Map<string, State>();
  #remembered = 0;

  /** Throws a TypeError for a pattern that is invalid or too costly. */
  constructor(pattern: string, ignoreCase: boolean = false) {
    this.pattern = pattern;
    this.#program = compilePattern(pattern, ignoreCase);
  }

  test(line: string): boolean {
    let state = this.#state([], "edge");
    for (let at = 0; at < line.length;) {
      const code = line.codePointAt(at) ?? 0;
      at += code > 0xffff ? 2 : 1;
      const next = state.after.get(code) ?? this.#step(state, code);
      if (next === matched) return true;
      state = next;
    }
    return state.atEnd ??= this.#reach(state, "edge") === null;
  }

  #step(state: State, code: number): State | typeof matched {
    if (this.#remembered >= rememberedMax) {
      this.#states.clear();
      this.#remembered = 0;
      state.after.clear();
    }
    this.#remembered++;
    const kind = isWord(code) ? "word" : "other";
    const reached = this.#reach(state, kind);
    const ways = new Set<number>();
    for (const index of reached ?? []) {
      const instruction = this.#program.instructions[index];
      if (instruction?.op === "take" && instruction.fits(code)) ways.add(instruction.next);
    }
    const next = reached === null ? matched : this.#state([...ways].sort((a, b) => a - b), kind);
    state.after.set(code, next);
    return next;
  }

  #state(ways: readonly number[], before: Kind): State {
    const key = `${before} ${ways.join(" ")}`;
    let state = this.#states.get(key);
    if (state === undefined) this.#states.set(key, state = { ways, before, after: new Map(), atEnd: null });
    return state;
  }

  /** Everything reachable without taking a character, given what comes next; null when that includes a match. */
  #reach({ ways, before }: State, after: Kind): Set<number> | null {
    // A match may begin anywhere, so a path begins at each position.
    const waiting = [this.#program.start, ...ways];
    const reached = new Set<number>();
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const instruction = this.#program.instructions[index];
      if (instruction === undefined || instruction.op === "take") continue;
      if (instruction.op === "match") return null;
      if (instruction.op === "split") waiting.push(instruction.next, instruction.other);
      else if (holds(instruction.what, before, after)) waiting.push(instruction.next);
    }
    return reached;
  }
}

function holds(what: Assertion, before: Kind, after: Kind): boolean {
  const isBoundary = (before === "word") !== (after === "word");
  switch (what) {
    case "start":
      return before === "edge";
    case "end":
      return after === "edge";
    case "boundary":
      return isBoundary;
    case "inside":
      return !isBoundary;
  }
}
