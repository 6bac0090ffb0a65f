/**
 * Queries a database, SQLite or PostgreSQL, and checks the answer: a number, how many rows there are, or that they have
 * changed. It can start a workflow when a problem begins, or for changes.
 */
import { desc, eq } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext, type SenseDatabase } from "nerve";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import { encodeUserinfo, hideUserinfo, hideUserinfoOfInvalid } from "../../lib/url.ts";
import { askPostgres, askSqlite, type Row, rowsMax, toNumber } from "./ask.ts";
import { answers } from "./schema.ts";

export interface DatabaseQuery {
  /** The file, or the address without user and password. */
  readonly database: string;
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  /** The first column of the first row, where that is a number. */
  readonly value: number | null;
  /** At most 1,000 are counted; null when there is no answer. */
  readonly rows: number | null;
  /** Whether the rows differ from those of the last answer. */
  readonly changed: boolean;
  /** The first 10 rows; texts are cut at 200 characters. */
  readonly first: readonly Row[];
}

type Answer = { readonly rows: readonly Row[]; readonly problem: null } | {
  readonly rows: null;
  readonly problem: string;
};

const firstMax = 10, textMaxChars = 200, columnsMax = 30;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<DatabaseQuery>> {
  const { database, query } = settings;
  const answer = await ask(settings, signal);
  signal.throwIfAborted();
  const hash = answer.rows === null ? null : await digest(answer.rows);
  const key = await digest([{ database, query }]);
  const last = db.select().from(answers).where(eq(answers.key, key)).orderBy(desc(answers.id)).limit(1).get();
  const problems = findProblems(settings, answer);
  const found: DatabaseQuery = {
    database,
    ok: problems.length === 0,
    problems,
    value: answer.rows === null ? null : toNumber(answer.rows),
    rows: answer.rows === null ? null : Math.min(answer.rows.length, rowsMax),
    changed: hash !== null && last?.hash != null && hash !== last.hash,
    first: (answer.rows ?? []).slice(0, firstMax).map(cutRow),
  };
  store(db, { key, hash: hash ?? last?.hash ?? null }, found, settings.keep);
  const wasOk = last?.ok ?? true;
  const news = settings.changes && found.changed
    ? [`${database}: ${["the answer has changed", ...problems].join(", ")}`]
    : findNews(database, wasOk, problems);
  return tell(found, { ...settings, wasOk, news });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    file: option.text(null),
    url: option.text(null),
    query: option.text(),
    password_env: option.text(null),
    timeout: option.duration("10s"),
    min: option.number(null),
    max: option.number(null),
    min_rows: option.number(null, { min: 0, max: rowsMax }),
    max_rows: option.number(null, { min: 0, max: rowsMax - 1 }),
    changes: option.flag(false),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  const { file, url } = settings;
  if ((file === null) === (url === null)) throw new TypeError("config must hold either file or url");
  if (file !== null && !file.startsWith("/")) {
    throw new TypeError(`config.file must be absolute, not "${hideUserinfoOfInvalid(file)}"`);
  }
  if (url !== null) checkUrl(url);
  return { ...settings, database: file ?? hideUserinfo(encodeUserinfo(url ?? "")).replace(/\?.*$/, "") };
}

function checkUrl(url: string): void {
  const parsed = URL.parse(url);
  if (parsed === null || !["postgres:", "postgresql:"].includes(parsed.protocol)) {
    const shown = hideUserinfoOfInvalid(url).slice(0, 100);
    throw new TypeError(`config.url must be such as postgresql://user@host:5432/name, not "${shown}"`);
  }
  // It would be visible to everyone who lists the processes of the machine.
  if (parsed.password !== "" || parsed.searchParams.has("password")) {
    throw new TypeError("config.url must hold no password: put it into a variable that config.password_env names");
  }
}

async function ask(settings: Settings, signal: AbortSignal): Promise<Answer> {
  const { file, url, query, timeout, password_env } = settings;
  const password = password_env === null ? null : Deno.env.get(password_env) ?? null;
  if (password_env !== null && password === null) throw new TypeError(`the variable ${password_env} is not set`);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const question = { query, timeoutMs: timeout, signal: limit };
  try {
    const rows = file !== null ? await askSqlite(file, question) : await askPostgres(url ?? "", password, question);
    return { rows, problem: null };
  } catch (thrown) {
    // A missing permission or program is a mistake in the set-up, not an outage.
    if (thrown instanceof Deno.errors.NotCapable || isMissingProgram(thrown)) throw thrown;
    return { rows: null, problem: reasonOf(thrown, password) };
  }
}

function isMissingProgram(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.NotFound && /spawn/i.test(thrown.message);
}

function reasonOf(thrown: unknown, password: string | null): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "no answer in time";
  const text = hideUserinfo(thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 300);
  const said = password === null || password === "" ? text : text.replaceAll(password, "***");
  if (/locked/i.test(said)) return `${said} (a writer keeps it: raise config.timeout)`;
  if (!/unable to open|readonly database/i.test(said)) return said;
  return `${said} (permissions.read must name its -wal and -shm, too; one that a crash left needs its own program to open it once)`;
}

function findProblems({ min, max, min_rows, max_rows }: Settings, answer: Answer): string[] {
  if (answer.rows === null) return [answer.problem];
  const problems: string[] = [], value = toNumber(answer.rows), count = answer.rows.length;
  if (value === null && (min !== null || max !== null)) problems.push("the answer does not begin with a number");
  if (value !== null && min !== null && value < min) problems.push(`${value} is less than ${min}`);
  if (value !== null && max !== null && value > max) problems.push(`${value} is more than ${max}`);
  if (min_rows !== null && count < min_rows) problems.push(`${count} rows, fewer than ${min_rows}`);
  if (max_rows !== null && count > max_rows) {
    problems.push(`${count > rowsMax ? `more than ${rowsMax}` : count} rows, more than ${max_rows}`);
  }
  return problems;
}

function cutRow(row: Row): Row {
  const short = (value: unknown) => {
    if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
    return (typeof value === "string" ? value : JSON.stringify(value) ?? "").slice(0, textMaxChars);
  };
  return Object.fromEntries(
    Object.entries(row).slice(0, columnsMax).map(([name, value]) => [name.slice(0, 100), short(value)]),
  );
}

/** The digest does not depend on the order of the rows: without `order by`, a database returns them in any order. */
async function digest(rows: readonly Row[]): Promise<string> {
  const text = rows.map((row) => JSON.stringify(row)).sort().join("\n");
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}

function store(
  db: SenseDatabase,
  { key, hash }: { readonly key: string; readonly hash: string | null },
  { ok, value, rows, problems }: DatabaseQuery,
  keep: number,
): void {
  db.insert(answers).values({ ts: new Date(), key, hash, ok, value, rows, problems: [...problems] }).run();
  prune(db, answers, answers.ts, keep);
}
