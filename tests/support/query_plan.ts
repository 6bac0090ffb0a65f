/** How SQLite would execute a query. */
import type { DatabaseSync } from "node:sqlite";

export function plan(db: DatabaseSync, sql: string): string {
  const values = [...sql.matchAll(/\?/g)].map(() => 1);
  return db.prepare(`explain query plan ${sql}`).all(...values).map(({ detail }) => String(detail)).join("; ");
}
