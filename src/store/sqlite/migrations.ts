/**
 * The migrations of a sense: files `NNNN_name.sql` in one folder. Each runs once, in numerical order, in its own
 * transaction, and is recorded in `_migrations` with a checksum. Used by sense_database.ts.
 * I1. A file that has run never runs again, and must neither change nor vanish: the database could not be recreated.
 * I2. Nothing is half applied: a file that fails leaves no trace, and later files do not run.
 * I3. A file cannot leave its transaction: begin, commit and savepoint are rejected, and so is everything that
 *     sql_rules.ts denies to code of the sense.
 */
import { join } from "node:path";
import { constants, type DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Clock } from "../../base/time.ts";
import type { LoadProblem } from "../../protocol/message.ts";
import { inTransaction } from "./database.ts";
import { judgeOwnSql } from "./sql_rules.ts";
import { runScript, ScriptError } from "./sql_script.ts";

const namePattern = /^(\d{4})_[A-Za-z0-9._-]+\.sql$/;

interface MigrationFile {
  readonly name: string;
  readonly path: string;
  readonly script: string;
  readonly checksum: string;
}

/** Runs the pending migrations; returns the problems. A missing folder counts as empty. */
export async function applyMigrations(db: DatabaseSync, folder: string, clock: Clock): Promise<LoadProblem[]> {
  const { files, problems } = await readFolder(folder);
  db.exec(
    "create table if not exists _migrations" +
      " (name text primary key, checksum text not null, applied_at integer not null) strict",
  );
  problems.push(...findChangedFiles(db, folder, files));
  if (problems.length > 0) return problems;
  for (const file of files) {
    const problem = applyFile(db, file, clock);
    if (problem !== null) return [problem];
  }
  return [];
}

/** Migrations that have run in `db` but are missing or changed in the folder. */
export async function findAppliedProblems(db: DatabaseSync, folder: string): Promise<LoadProblem[]> {
  const known = db.prepare("select 1 from sqlite_schema where type = 'table' and name = '_migrations'").get();
  return known === undefined ? [] : findChangedFiles(db, folder, (await readFolder(folder)).files);
}

async function readFolder(folder: string): Promise<{ files: MigrationFile[]; problems: LoadProblem[] }> {
  const names = listNames(folder), problems: LoadProblem[] = [];
  const named = names.filter((name) => {
    const fits = namePattern.test(name);
    if (!fits) {
      problems.push(createProblem(join(folder, name), `${name} is not a migration: name it like 0001_readings.sql`));
    }
    return fits;
  });
  for (const [index, name] of named.entries()) {
    const before = named[index - 1], number = Number(name.slice(0, 4));
    const expected = before === undefined ? Math.min(number, 1) : Number(before.slice(0, 4)) + 1;
    if (number === expected) continue;
    const path = join(folder, name), wanted = String(expected).padStart(4, "0");
    problems.push(
      number < expected
        ? createProblem(path, `${name} has the same number as ${before}: number it ${wanted}`)
        : createProblem(path, `${name} leaves a gap: number ${wanted} is missing`),
    );
  }
  return { files: await Promise.all(named.map((name) => readMigration(folder, name))), problems };
}

/** The sorted file names, without folders, hidden files and editor backups. */
function listNames(folder: string): string[] {
  try {
    const files = [...Deno.readDirSync(folder)].filter((entry) => !entry.isDirectory);
    return files.map(({ name }) => name).filter((name) => !name.startsWith(".") && !name.endsWith("~")).sort();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

async function readMigration(folder: string, name: string): Promise<MigrationFile> {
  const path = join(folder, name), bytes = Deno.readFileSync(path);
  return { name, path, script: new TextDecoder().decode(bytes), checksum: await sha256(bytes) };
}

/** Compares the migrations that have run with the files. */
function findChangedFiles(db: DatabaseSync, folder: string, files: readonly MigrationFile[]): LoadProblem[] {
  const applied = db.prepare("select name, checksum from _migrations order by name").all();
  return applied.flatMap(({ name, checksum }) => {
    const file = files.find((each) => each.name === name), path = join(folder, String(name));
    if (file === undefined) return [createProblem(path, `${name} has run, but is missing: restore it`)];
    if (file.checksum === checksum) return [];
    return [createProblem(path, `${name} was edited after it had run: undo the edit and write a new migration`)];
  });
}

function applyFile(db: DatabaseSync, file: MigrationFile, clock: Clock): LoadProblem | null {
  const known = db.prepare("select 1 from _migrations where name = ?");
  if (known.get(file.name) !== undefined) return null;
  try {
    inTransaction(db, () => {
      // The process that this one replaces may have run it.
      if (known.get(file.name) !== undefined) return;
      runConfined(db, file.script);
      db.prepare("insert into _migrations values (?, ?, ?)").run(file.name, file.checksum, clock.now());
    });
    return null;
  } catch (thrown) {
    const line = thrown instanceof ScriptError ? thrown.line : 1;
    return createProblem(file.path, `migration ${file.name} failed: ${messageOf(thrown)}`, line);
  }
}

const refused: Readonly<Record<number, string>> = {
  [constants.SQLITE_TRANSACTION]: "a migration must not begin, commit or roll back: each runs in one transaction",
  [constants.SQLITE_SAVEPOINT]: "a migration must not use savepoints: each runs in one transaction",
  [constants.SQLITE_ATTACH]: "a migration must not attach a database: a sense has one database",
  [constants.SQLITE_DETACH]: "a migration must not detach a database: a sense has one database",
};

function runConfined(db: DatabaseSync, script: string): void {
  let reason: string | null = null;
  db.setAuthorizer((action, first, second) => {
    reason = refused[action] ?? judgeOwnSql(action, first, second);
    return reason === null ? constants.SQLITE_OK : constants.SQLITE_DENY;
  });
  try {
    runScript(db, script);
  } catch (thrown) {
    throw reason !== null && thrown instanceof ScriptError ? new ScriptError(thrown.line, new Error(reason)) : thrown;
  } finally {
    db.setAuthorizer(null);
  }
}

function createProblem(file: string, message: string, line = 1): LoadProblem {
  return { message, place: { file, line, column: 1 } };
}
