/**
 * A database whose handle stays here: user code gets its results, through `ctx.sqlite` and Drizzle, and never the
 * handle, a statement or their prototypes. Used in the sandbox.
 * I1. Every statement, even one that SQLite prepares again, is judged by sql_rules.ts.
 * I2. A handle or statement is held in private fields, and passed to no method that user code can replace, to no
 *     promise and to no object that is returned.
 * I3. A call of `get`, `all` or `run` leaves no statement open, and so no read transaction.
 */
import { constants, type DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { uncurried } from "../../base/uncurried.ts";
import { StatementCache } from "./database.ts";
import { OpenRows } from "./open_rows.ts";
import { changesSchema, type SqlJudge } from "./sql_rules.ts";
import { findNextStatement, prepareOnlyStatement } from "./sql_script.ts";
import { type RowMode, type SqlChanges, type SqlSource, type TransactionKind, transactionKinds } from "./sql_source.ts";
import { toBoundValues } from "./sql_values.ts";

const { apply } = Reflect, { NotCapable } = Deno.errors;
const then = uncurried(Promise.prototype.then);
const ignore = () => {};
const savepoint = ["savepoint nerve", "release nerve", "rollback to nerve; release nerve"] as const;
const starts: Readonly<Record<TransactionKind, string>> = {
  deferred: "begin deferred",
  immediate: "begin immediate",
  exclusive: "begin exclusive",
};

let runAsNerve: (database: GuardedDatabase, script: string) => void;

/** Runs a script of nerve's own, which is not judged. Not a method: code that has the object must not reach this. */
export function execAsNerve(database: GuardedDatabase, script: string): void {
  runAsNerve(database, script);
}

export class GuardedDatabase implements SqlSource {
  readonly #db: DatabaseSync;
  readonly #source: Pick<DatabaseSync, "prepare">;
  readonly #statements: StatementCache;
  readonly #rows = new OpenRows();
  /** Why a statement was refused, until it is thrown. */
  #refusal: string | null = null;
  /** True while nerve runs a statement of its own. */
  #trusted = false;
  /** The schema may have changed: on Deno 2.9.6 a statement keeps its number of columns. */
  #stale = false;

  static {
    runAsNerve = (database, script) => {
      database.#trusted = true;
      try {
        database.#db.exec(script);
      } finally {
        database.#trusted = false;
      }
    };
  }

  /** `judge` decides about every statement from now on. The caller closes `db`. */
  constructor(db: DatabaseSync, judge: SqlJudge) {
    this.#db = db;
    this.#source = { prepare: (sql) => prepareOne(db, sql) };
    this.#statements = new StatementCache(this.#source);
    // Needed for a process with all permissions, in which Deno leaves it open.
    db.limits.attach = 0;
    db.setAuthorizer((action, first, second) => {
      if (this.#trusted) return constants.SQLITE_OK;
      const refusal = judge(action, first, second);
      if (refusal === null) {
        if (changesSchema(action)) this.#stale = true;
        return constants.SQLITE_OK;
      }
      this.#refusal = refusal;
      return constants.SQLITE_DENY;
    });
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  get isTransaction(): boolean {
    return this.#db.isTransaction;
  }

  check(sql: string): void {
    this.#do(() => void this.#statement(toText(sql)));
  }

  get(sql: string, values: unknown[], mode: RowMode): unknown {
    const bound = toBoundValues(values);
    return this.#do(() => {
      const statement = this.#ready(sql, mode);
      return apply(statement.get, statement, bound as SQLInputValue[]);
    });
  }

  all(sql: string, values: unknown[], mode: RowMode): unknown[] {
    const bound = toBoundValues(values);
    return this.#do(() => {
      const statement = this.#ready(sql, mode);
      return apply(statement.all, statement, bound as SQLInputValue[]);
    });
  }

  run(sql: string, values: unknown[], mode: RowMode): SqlChanges {
    const bound = toBoundValues(values);
    return this.#do(() => {
      const statement = this.#ready(sql, mode);
      return apply(statement.run, statement, bound as SQLInputValue[]);
    });
  }

  /** Rows one by one, until `endRows`. A statement that writes runs as a whole before its first row. */
  iterate(sql: string, values: unknown[], mode: RowMode): IterableIterator<unknown> {
    const bound = toBoundValues(values);
    return this.#do(() =>
      this.#rows.open({
        prepare: (text) => this.#prepare(text, mode),
        text: toText(sql),
        bound,
        run: (work) => this.#do(work),
      })
    );
  }

  /** Ends every iteration in progress. */
  endRows(): void {
    this.#rows.endAll();
  }

  /** Runs a script of any number of statements. */
  exec(script: string): void {
    const text = toText(script);
    this.#do(() => this.#db.exec(text));
  }

  transaction<T>(kind: TransactionKind, work: () => T): T {
    if (!transactionKinds.includes(kind)) throw new TypeError(`a transaction is one of ${transactionKinds.join(", ")}`);
    const [begin, commit, rollback] = this.#db.isTransaction ? savepoint : [starts[kind], "commit", "rollback"];
    this.#db.exec(begin);
    try {
      const result = work();
      if (isThenable(result)) {
        throw new TypeError("the callback of a transaction must be synchronous: it returned a promise");
      }
      this.#db.exec(commit);
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec(rollback);
      throw thrown;
    }
  }

  #ready(sql: string, mode: RowMode): StatementSync {
    return setMode(this.#statement(toText(sql)), mode);
  }

  #statement(sql: string): StatementSync {
    if (this.#stale) {
      this.#stale = false;
      this.#statements.useDatabase(this.#source);
    }
    return this.#statements.get(sql);
  }

  #prepare(sql: string, mode: RowMode): StatementSync {
    return setMode(prepareOne(this.#db, sql), mode);
  }

  #do<T>(work: () => T): T {
    this.#refusal = null;
    try {
      return work();
    } catch (thrown) {
      const refusal = this.#refusal;
      throw refusal === null ? thrown : new NotCapable(`not authorized: ${refusal}`);
    }
  }
}

function setMode(statement: StatementSync, { arrays, bigints }: RowMode): StatementSync {
  statement.setReturnArrays(arrays);
  statement.setReadBigInts(bigints);
  return statement;
}

function prepareOne(db: DatabaseSync, sql: string): StatementSync {
  const statement = prepareOnlyStatement(db, sql);
  if (statement !== null) return statement;
  throw new TypeError(
    findNextStatement(sql, 0) === sql.length
      ? "there is no statement in this SQL"
      : "this SQL has more than one statement: only sqlite.exec runs several",
  );
}

function toText(sql: unknown): string {
  if (typeof sql === "string") return sql;
  throw new TypeError(`SQL is text, not ${sql === null ? "null" : typeof sql}`);
}

/** Whether `value` is a promise or like one. Its rejection must not count as unhandled: the caller throws instead. */
function isThenable(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("then" in value) || typeof value.then !== "function") {
    return false;
  }
  if (value instanceof Promise) then(value, ignore, ignore);
  return true;
}
