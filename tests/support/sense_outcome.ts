/** The result of a library sense's compute, and its stored data. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Grants, TestSense } from "./library.ts";

/** Checks that it works with the README's grants, and without them fails with a message that names what is missing. */
export async function needsItsGrants(name: string, missing: string, others: Grants = {}): Promise<void> {
  await using granted = new TestSense(name);
  assert.equal((await granted.compute()).kind, "value");
  await using bare = new TestSense(name, others);
  const outcome = await bare.compute();
  assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  assert.ok(outcome.kind === "error" && outcome.message.includes(`${missing} access`), JSON.stringify(outcome));
}

export function rowsOf(database: string, sql: string) {
  const db = new DatabaseSync(database, { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}
