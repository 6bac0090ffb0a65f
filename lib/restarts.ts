/**
 * What the last compute saw of things that restart automatically: what was wrong with each, and how often it had been
 * started. Imported by the senses systemd-units and containers.
 */
import { desc, eq } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { SenseDatabase } from "nerve";

export interface LastSeen {
  /** Names of what was wrong at the last compute. */
  readonly wrong: ReadonlySet<string>;
  /** By name; null at the first compute. */
  readonly restarts: ReadonlyMap<string, number> | null;
}

/** A table with a row for each compute, and one with a row for each thing and compute, with the same time. */
type Checks = SQLiteTable & Record<"id" | "ts", SQLiteColumn>;
type Things = SQLiteTable & Record<"ts" | "problem" | "restarts", SQLiteColumn>;

/** `name`: the column that identifies a thing. */
export function readLastSeen(db: SenseDatabase, checks: Checks, things: Things, name: SQLiteColumn): LastSeen {
  const last = db.select({ ts: checks.ts }).from(checks).orderBy(desc(checks.id)).limit(1).get();
  if (last === undefined) return { wrong: new Set(), restarts: null };
  const found = db.select({ name, problem: things.problem, restarts: things.restarts }).from(things)
    .where(eq(things.ts, last.ts)).all();
  return {
    wrong: new Set(found.filter(({ problem }) => problem !== null).map(({ name }) => String(name))),
    restarts: new Map(found.map(({ name, restarts }) => [String(name), Number(restarts)])),
  };
}

/** The problem of a thing that restarted `most` times or more since the last compute; null: none. */
export function findRestarts(
  { name, restarts }: { readonly name: string; readonly restarts: number },
  most: number,
  { restarts: before }: LastSeen,
): string | null {
  if (before === null) return null;
  const last = before.get(name) ?? 0;
  // The count begins anew when a person starts it, or creates another one with that name.
  const since = restarts < last ? restarts : restarts - last;
  return since >= most ? `was started again ${since} times since the last check` : null;
}
