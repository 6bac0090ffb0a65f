/**
 * Splits a script into its statements. SQLite finds the end of each one (`sourceSQL` of a prepared statement), so
 * triggers, strings and comments need no parser here. Used by guarded_database.ts, migrations.ts and sense_query.ts.
 * I1. Text without a statement is never prepared: its `sourceSQL` would crash the process (Deno 2.9.6).
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { uncurried } from "../../base/uncurried.ts";

/** Blanks, comments, empty statements. An unterminated comment reaches to the end, as in SQLite. */
const blank = /(?:[\s;\uFEFF]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))*/y;

/** Captured: user code in the sandbox could skip the check of I1. */
const match = uncurried(RegExp.prototype.exec);

/** The start of the next statement at or after `from`; the length of the script when there is none. */
export function findNextStatement(script: string, from: number): number {
  blank.lastIndex = from;
  match(blank, script);
  return blank.lastIndex;
}

/** A statement of a script failed; its `line` counts from 1. */
export class ScriptError extends Error {
  readonly line: number;

  constructor(line: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.line = line;
  }
}

/** Prepares and runs one statement after another. Throws ScriptError. */
export function runScript(db: DatabaseSync, script: string): void {
  for (let at = findNextStatement(script, 0); at < script.length;) {
    try {
      const statement = db.prepare(script.slice(at));
      statement.run();
      at = findNextStatement(script, at + statement.sourceSQL.length);
    } catch (thrown) {
      throw new ScriptError(countLine(script, at), thrown);
    }
  }
}

/** Prepares the only statement of `script`; null when there is none or more than one. Throws SQLite's error. */
export function prepareOnlyStatement(db: DatabaseSync, script: string): StatementSync | null {
  const at = findNextStatement(script, 0);
  if (at === script.length) return null;
  const statement = db.prepare(script.slice(at));
  return findNextStatement(script, at + statement.sourceSQL.length) === script.length ? statement : null;
}

function countLine(script: string, at: number): number {
  return script.slice(0, at).split("\n").length;
}
