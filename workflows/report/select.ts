/**
 * What a report shows, and the numbers for it, from the databases of other senses. Used by index.ts.
 * I1. Names of tables and columns are quoted, values are bound: no part of a configuration becomes SQL.
 * I2. However many rows there are, a chart has at most `pointsMax` points; each is the mean of a span.
 */
import { sql } from "drizzle-orm";
import type { RoleContext } from "nerve";

/** `SENSE/TABLE/COLUMN`, with conditions as in `?name=eth0`. */
export interface Subject {
  /** As configured. */
  readonly text: string;
  readonly sense: string;
  readonly table: string;
  readonly column: string;
  readonly conditions: readonly (readonly [column: string, value: string])[];
}

export function parseSubject(text: string): Subject {
  const found = /^(?<sense>[a-z0-9][\w-]*)\/(?<table>[A-Za-z]\w*)\/(?<column>[A-Za-z]\w*)(?:\?(?<conditions>.+))?$/
    .exec(text)?.groups;
  if (found === undefined) {
    throw new TypeError(`config.charts must hold texts such as cpu-usage/readings/used, not "${text.slice(0, 100)}"`);
  }
  const { sense = "", table = "", column = "", conditions = "" } = found;
  return { text, sense, table, column, conditions: [...new URLSearchParams(conditions)] };
}

export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly rows: number;
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  readonly last: number;
  /** Times in milliseconds and mean values, oldest first. */
  readonly points: readonly (readonly [at: number, value: number])[];
}

export const pointsMax = 200;

/** Null: there are no numbers in that time. Throws when the workflow may not read the sense, or a column is missing. */
export function readSeries(
  peers: RoleContext["peers"],
  { text, sense, table, column, conditions }: Subject,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Series | null {
  const db = peers[sense];
  if (db === undefined) {
    throw new Error(`list ${sense} under workflows.NAME.peers in nerve.yaml: ${text} is of that sense`);
  }
  const name = (each: string) => sql.identifier(each), stepMs = Math.max(1, Math.ceil((untilMs - sinceMs) / pointsMax));
  const where = sql.join([
    sql`${name(table)}.${name(column)} is not null`,
    sql`${name(table)}.${name("ts")} >= ${sinceMs}`,
    sql`${name(table)}.${name("ts")} < ${untilMs}`,
    ...conditions.map(([key, value]) => sql`cast(${name(table)}.${name(key)} as text) = ${value}`),
  ], sql` and `);
  const from = sql`from ${name(table)} where ${where}`;
  const [all] = db.all<Record<"rows" | "least" | "most" | "mean", number | null>>(
    sql`select count(*) as rows, min(${name(column)}) as least, max(${name(column)}) as most, avg(${
      name(column)
    }) as mean ${from}`,
  );
  const { rows, least, most, mean } = all ?? {};
  if (!rows || typeof least !== "number" || typeof most !== "number" || typeof mean !== "number") return null;
  const [last] = db.all<{ value: number }>(
    sql`select ${name(column)} as value ${from} order by ${name("ts")} desc limit 1`,
  );
  const points = db.all<{ step: number; value: number }>(
    sql`select cast((${name("ts")} - ${sinceMs}) / ${stepMs} as integer) as step, avg(${
      name(column)
    }) as value ${from} group by 1 order by 1`,
  );
  return {
    name: text,
    unit: unitOf(column),
    ...{ rows, least, most, mean, last: last?.value ?? NaN },
    points: points.map(({ step, value }) => [Math.round(sinceMs + (step + 0.5) * stepMs), value] as const),
  };
}

/** The unit by the naming rules of the library's columns. */
function unitOf(column: string): string {
  if (/bytes$/i.test(column)) return "bytes";
  return /_ms$/i.test(column) ? "ms" : "";
}
