/**
 * Rows that user code reads one by one, each query with a statement of its own. They end with the compute that reads
 * them: an open statement keeps a read transaction open. Used by guarded_database.ts.
 */
import type { StatementSync } from "node:sqlite";
import { uncurried } from "../../base/uncurried.ts";

const { apply } = Reflect;
const add = uncurried(Set.prototype.add) as <T>(set: Set<T>, value: T) => void;
const remove = uncurried(Set.prototype.delete) as <T>(set: Set<T>, value: T) => boolean;
const forEach = uncurried(Set.prototype.forEach) as <T>(set: Set<T>, each: (value: T) => void) => void;
const slice = uncurried(String.prototype.slice);

/** A query: `prepare` makes its statements, `run` turns errors into those that the user gets. */
interface RowsSource {
  readonly prepare: (sql: string) => StatementSync;
  readonly text: string;
  readonly bound: readonly unknown[];
  readonly run: <T>(work: () => T) => T;
}

interface NativeRows {
  next(): { readonly done?: boolean; readonly value?: unknown };
  return(): unknown;
}

export class OpenRows {
  readonly #open = new Set<Rows>();

  open(source: RowsSource): IterableIterator<unknown> {
    const rows = new Rows(source, (ended) => remove(this.#open, ended));
    add(this.#open, rows);
    return rows;
  }

  endAll(): void {
    forEach(this.#open, endRows);
  }
}

let endRows: (rows: Rows) => void;

class Rows implements IterableIterator<unknown> {
  readonly #source: RowsSource;
  readonly #onEnd: (rows: Rows) => void;
  readonly #statement: StatementSync;
  /** Counts the rows that should come; null for a statement that writes. */
  readonly #count: StatementSync | null;
  #native: NativeRows | null = null;
  /** All rows of a statement that writes: it runs as a whole. */
  #ready: unknown[] = [];
  #read = 0;
  #state: "new" | "open" | "read" | "ended" = "new";

  static {
    endRows = (rows) => rows.#end("ended");
  }

  constructor(source: RowsSource, onEnd: (rows: Rows) => void) {
    this.#source = source;
    this.#onEnd = onEnd;
    this.#statement = source.prepare(source.text);
    this.#count = prepareCount(source);
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<unknown> {
    if (this.#state === "ended") throw new Error("the compute that read these rows has ended");
    const { run } = this.#source;
    if (this.#state === "new") run(() => this.#start());
    if (this.#state === "read") return { done: true, value: undefined };
    if (this.#native === null) {
      if (this.#read < this.#ready.length) return { done: false, value: this.#ready[this.#read++] };
    } else {
      const native = this.#native, step = run(() => native.next());
      if (step.done !== true) {
        this.#read++;
        return { done: false, value: step.value };
      }
      run(() => this.#checkEnd());
    }
    this.#end("read");
    return { done: true, value: undefined };
  }

  return(): IteratorResult<unknown> {
    this.#end("read");
    return { done: true, value: undefined };
  }

  #start(): void {
    const { bound } = this.#source, statement = this.#statement;
    this.#state = "open";
    if (this.#count === null) this.#ready = apply(statement.all, statement, bound as never[]);
    else this.#native = apply(statement.iterate, statement, bound as never[]) as unknown as NativeRows;
  }

  /**
   * On Deno 2.9.6 an error between two rows ends an iteration as if there were no more rows: only the count reveals it,
   * and `all` then throws the error.
   */
  #checkEnd(): void {
    const { bound } = this.#source, count = this.#count, statement = this.#statement;
    if (count === null) return;
    const row = apply(count.get, count, bound as never[]) as { n?: unknown } | undefined;
    if (row?.n !== this.#read) apply(statement.all, statement, bound as never[]);
  }

  #end(state: "read" | "ended"): void {
    if (this.#state === "ended" || this.#state === "read") return;
    this.#state = state;
    this.#native?.return();
    this.#native = null;
    this.#ready = [];
    this.#onEnd(this);
  }
}

function prepareCount({ prepare, text }: RowsSource): StatementSync | null {
  try {
    const count = prepare(`select count(*) as n from (\n${withoutEnd(text)}\n)`);
    count.setReturnArrays(false);
    count.setReadBigInts(false);
    return count;
  } catch {
    // Not a select: it cannot be counted.
    return null;
  }
}

/** The statement without the semicolon that ends it. */
function withoutEnd(text: string): string {
  let end = text.length;
  for (let last = text[end - 1]; last === ";" || last === " " || last === "\n"; last = text[end - 1]) end--;
  return slice(text, 0, end);
}
