/** Checks of the workspace: nerve.yaml, who may change its files, its databases, its clock. */
import { join, relative } from "node:path";
import { formatDuration } from "../../base/duration.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import type { Clock } from "../../base/time.ts";
import { loadNerveConfig } from "../../config/load.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { openDatabase } from "../../store/sqlite/database.ts";
import { openRecords } from "../open_records.ts";
import { plural } from "../render/terminal.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";
import { formatMode } from "./daemon.ts";

export const workspaceChecks: readonly Check[] = [checkConfig, checkModes, checkWritable, checkDatabases, checkClock];

async function checkConfig(paths: WorkspacePaths): Promise<Finding[]> {
  const loaded = await loadNerveConfig(paths), problems = loaded.ok ? loaded.value.warnings : loaded.error;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const message = `nerve.yaml: ${plural(errors, "error")}, ${plural(problems.length - errors, "warning")}`;
  if (errors > 0) return [failed("config", message, "nerve validate")];
  return [problems.length > 0 ? warning("config", message, "nerve validate") : passed("config", "nerve.yaml is good")];
}

/** More are not looked at: a workspace has hundreds of files, not thousands. */
const entriesMax = 10_000;
/** Findings of one kind that are told one by one. */
const toldMax = 3;

/**
 * Whoever can write to code that nerve runs can do what nerve can. Group-writable is left to the user's umask; that
 * others can write is not.
 */
function checkModes(paths: WorkspacePaths): Finding[] {
  const open: string[] = [], foreign: string[] = [], shown: string[] = [], own = Deno.uid();
  let seen = 0;
  const visit = (path: string, secret: boolean): void => {
    const info = lstat(path);
    if (info === null || info.isSymlink || seen++ > entriesMax) return;
    const mode = (info.mode ?? 0) & 0o777, name = relative(paths.root, path) || ".";
    if ((mode & 0o002) !== 0) open.push(`${name} (${formatMode(mode)})`);
    if (info.uid !== own) foreign.push(`${name} (uid ${info.uid})`);
    if (secret && (mode & 0o007) !== 0) shown.push(`${name} (${formatMode(mode)})`);
    if (info.isDirectory) { for (const entry of Deno.readDirSync(path)) visit(join(path, entry.name), false); }
  };
  visit(paths.configFile, false);
  for (const folder of [paths.senses, paths.workflows, paths.lib]) visit(folder, false);
  // Their content is private if they cannot be entered.
  for (const folder of [paths.data, paths.logs]) visit(folder, true);
  const root = lstat(paths.root);
  if (root !== null && ((root.mode ?? 0) & 0o002) !== 0) open.push(`. (${formatMode((root.mode ?? 0) & 0o777)})`);
  const findings = [
    told(failed, open, "anybody may change", `chmod -R o-w ${paths.root}`),
    told(warning, foreign, "not this user's:", `chown -R "$(id -u)" ${paths.root}`),
    told(warning, shown, "anybody may read", `chmod 700 ${paths.data} ${paths.logs}`),
  ].filter((finding) => finding !== null);
  return findings.length > 0
    ? findings
    : [passed("permissions", `nobody else may change what nerve runs (${seen} files)`)];
}

function told(make: typeof failed, names: readonly string[], what: string, hint: string): Finding | null {
  if (names.length === 0) return null;
  const more = names.length > toldMax ? ` and ${names.length - toldMax} more` : "";
  return make("permissions", `${what} ${names.slice(0, toldMax).join(", ")}${more}`, hint);
}

/** The daemon writes here. `test -w` asks the system without writing; Deno's own `access` overlooks read-only mounts. */
async function checkWritable(paths: WorkspacePaths): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const path of [paths.root, paths.lockFile, paths.data, paths.senseDatabases, paths.logDatabase, paths.logs]) {
    if (lstat(path) === null || (await new Deno.Command("test", { args: ["-w", path] }).output()).success) continue;
    const name = path === paths.root ? "the workspace" : relative(paths.root, path);
    const hint = `give this user access (ls -ld ${path}), or mount its file system writable`;
    findings.push(failed("writing", `${name} cannot be written by this user`, hint));
  }
  return findings.length > 0 ? findings.slice(0, toldMax) : [passed("writing", "the daemon may write its files")];
}

function checkDatabases(paths: WorkspacePaths): Finding[] {
  const databases = [paths.logDatabase, ...sensesOf(paths)].filter((path) => lstat(path) !== null);
  const broken = databases.map((path) => ({ path, fault: faultOf(path) })).filter(({ fault }) => fault !== null);
  if (broken.length === 0) return [passed("databases", `${databases.length} are sound`)];
  return broken.map(({ path, fault }) =>
    failed("databases", `${relative(paths.root, path)}: ${fault}`, mend(path, fault))
  );
}

/** SQLite does not even read where it may not write; what it has not seen may well be sound. */
function mend(path: string, fault: string | null): string {
  return fault === "unable to open database file"
    ? `it may be sound: give this user access to ${path} and its folder, or mount its file system writable`
    : `nerve stop, then restore ${path} from a backup, or move it away: it is made anew, empty`;
}

function sensesOf({ senseDatabases }: WorkspacePaths): string[] {
  if (lstat(senseDatabases) === null) return [];
  return [...Deno.readDirSync(senseDatabases)].map(({ name }) => name).filter((name) => name.endsWith(".db")).sort()
    .map((name) => join(senseDatabases, name));
}

/** What is wrong with a database, or null. */
function faultOf(path: string): string | null {
  try {
    const db = openDatabase(path, { readOnly: true });
    try {
      const [first] = db.prepare("pragma quick_check(1)").all();
      const said = String(first?.quick_check ?? "no answer");
      return said === "ok" ? null : said;
    } finally {
      db.close();
    }
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** A clock that was set back leaves rows of the future: until then, `--since` and throttles of a restart mislead. */
function checkClock(paths: WorkspacePaths, clock: Clock): Finding[] {
  try {
    using records = openRecords(paths);
    const [last] = records?.logs({ order: "desc", limit: 1 }) ?? [];
    if (last === undefined) return [passed("clock", "nothing has happened yet")];
    const ahead = last.ts - clock.now();
    if (ahead < 60_000) return [passed("clock", "does not lag behind the log")];
    const message = `the newest row of the log is ${formatDuration(Math.round(ahead / 1_000) * 1_000)} in the future`;
    return [failed("clock", message, "set the clock (timedatectl set-ntp true); rows keep their order by id")];
  } catch (thrown) {
    if (!(thrown instanceof NerveError)) throw thrown;
    // The check of the databases tells of it.
    return [warning("clock", `unknown: ${thrown.message}`, "see databases")];
  }
}

function lstat(path: string): Deno.FileInfo | null {
  return ifPresent(() => Deno.lstatSync(path));
}
