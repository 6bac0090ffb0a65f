/**
 * Sends one query to a database, through the database's own program: no npm client can open its connection in the
 * sandbox. Used by index.ts.
 * I1. Nothing is written: SQLite opens the file read-only, PostgreSQL begins a read-only transaction.
 * I2. At most `rowsMax` rows and one more are read, and the query ends at its time limit.
 * I3. The password is only in the environment of the program.
 */
import { runProgram } from "../../lib/program.ts";

export type Row = Readonly<Record<string, unknown>>;

export const rowsMax = 1_000;

export interface Question {
  readonly query: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A query may end with semicolons and with a comment, so it gets lines of its own. */
function bound(query: string, alias: string): string {
  return `select * from (\n${query.replace(/[\s;]+$/, "")}\n) ${alias} limit ${rowsMax + 1}`;
}

export async function askSqlite(file: string, { query, timeoutMs, signal }: Question): Promise<Row[]> {
  const ask = async (isAlone: boolean) => {
    const uri = `file:${file.split("/").map(encodeURIComponent).join("/")}?mode=ro${isAlone ? "&immutable=1" : ""}`;
    const wait = `.timeout ${Math.round(timeoutMs / 2)}`;
    const args = ["-batch", "-init", "/dev/null", "-readonly", "-json", "-cmd", wait, uri, bound(query, "")];
    return parseRows(await runProgram({ name: "sqlite3", args, env: { LC_ALL: "C.UTF-8" } }, signal, "sqlite3 failed"));
  };
  const isAlone = await isAtRest(file);
  const rows = await ask(isAlone);
  // Another process began to write meanwhile: rows read without locks may be inconsistent.
  return isAlone && !await isAtRest(file) ? await ask(false) : rows;
}

/**
 * Whether the file is in WAL mode and no process has it open. SQLite could then read it only with the right to create
 * files beside it, or when it is opened as immutable.
 */
async function isAtRest(file: string): Promise<boolean> {
  using opened = await Deno.open(file);
  const header = new Uint8Array(20);
  for (let filled = 0; filled < header.length;) {
    const read = await opened.read(header.subarray(filled));
    if (read === null) return false;
    filled += read;
  }
  // Versions of the format for writing and for reading: 2 is WAL.
  if (header[18] !== 2 || header[19] !== 2) return false;
  return (await sizeOf(`${file}-wal`) ?? 0) === 0 && await sizeOf(`${file}-shm`) === null;
}

async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await Deno.stat(file)).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}

/** `url`: without a password. */
export async function askPostgres(url: string, password: string | null, question: Question): Promise<Row[]> {
  const { query, timeoutMs, signal } = question;
  const rows = `select coalesce(json_agg(r), '[]'::json) from (${bound(query, "as q")}) as r`;
  const limit = `set local statement_timeout = ${Math.max(1, Math.round(timeoutMs))}`;
  // The session, too: a query that ends the transaction continues in a read-only one.
  const session = "set session characteristics as transaction read only";
  const commands = [session, "begin read only", limit, rows].flatMap((each) => ["-c", each]);
  const args = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", url, ...commands];
  const env = {
    LC_ALL: "C.UTF-8",
    PGAPPNAME: "nerve",
    PGCLIENTENCODING: "UTF8",
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(timeoutMs / 1_000))),
    ...password === null ? {} : { PGPASSWORD: password },
  };
  return parseRows(await runProgram({ name: "psql", args, env }, signal, "psql failed"));
}

/** Empty output means no rows. */
function parseRows(text: string): Row[] {
  if (text.trim() === "") return [];
  const rows: unknown = JSON.parse(text);
  if (!Array.isArray(rows)) throw new Error("the database answered with no list of rows");
  return rows;
}

/** The first column of the first row; null without rows, or when it is not a number. */
export function toNumber([first]: readonly Row[]): number | null {
  const value: unknown = first === undefined ? null : Object.values(first)[0];
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  return typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : null;
}
