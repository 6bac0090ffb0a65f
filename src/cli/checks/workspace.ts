/** Checks the workspace: nerve.yaml and its lock, file modes, databases, copies that restores left, and the clock. */
import { join, relative } from "node:path";
import { formatDuration, formatSize } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import type { Clock } from "../../base/time.ts";
import { loadNerveConfig } from "../../config/load.ts";
import { checkLock, permissionLockName, readLock } from "../../config/permissions/lock_file.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon } from "../../daemon/discovery.ts";
import { findMissingIndexes } from "../../store/log/log_indexes.ts";
import { checkDatabaseHealth } from "../../store/maintenance/database_health.ts";
import { listOddFiles } from "../../store/maintenance/odd_files.ts";
import { openRecords } from "../open_records.ts";
import { plural } from "../render/terminal.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";
import { formatMode } from "./daemon.ts";

export const workspaceChecks: readonly Check[] = [
  checkConfig,
  checkApproval,
  checkModes,
  checkWritable,
  checkDatabases,
  checkCopies,
  checkClock,
];

/** Checks for whole copies of the data that nothing else names: of an interrupted restore, or from before one. */
function checkCopies(paths: WorkspacePaths): Finding[] {
  const copies = [...Deno.readDirSync(paths.root)].map(({ name }) => name).sort()
    .filter((name) => /^data\.(restoring|restored|before-.+)$/.test(name));
  if (copies.length === 0) return [passed("copies", "no restore has left a copy of the data")];
  // A restore in progress holds the lock.
  const restores = findDaemon(paths).kernel?.kind === "command";
  return copies.map((name) => {
    const size = formatSize(measure(join(paths.root, name)));
    if (name.startsWith("data.before-")) return passed("copies", `${name}, the data before a restore, holds ${size}`);
    if (restores) return passed("copies", `${name}, of a restore that is under way, holds ${size}`);
    const message = `${name} was left by a restore that was cut off, and holds ${size}`;
    if (name === "data.restored") return warning("copies", message, "the next nerve start uses or removes it");
    return warning("copies", message, `repeat the restore, or rm -r ${join(paths.root, name)}`);
  });
}

/** The total size of all files in a folder, in bytes. */
function measure(folder: string): number {
  return [...Deno.readDirSync(folder)].reduce((bytes, { name, isDirectory }) => {
    const path = join(folder, name);
    return bytes + (isDirectory ? measure(path) : lstat(path)?.size ?? 0);
  }, 0);
}

async function checkConfig(paths: WorkspacePaths): Promise<Finding[]> {
  const loaded = await loadNerveConfig(paths), problems = loaded.ok ? loaded.value.warnings : loaded.error;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const message = `nerve.yaml: ${plural(errors, "error")}, ${plural(problems.length - errors, "warning")}`;
  if (errors > 0) return [failed("config", message, "nerve validate")];
  return [problems.length > 0 ? warning("config", message, "nerve validate") : passed("config", "nerve.yaml is valid")];
}

/** Without a lock nothing is compared, and an invalid nerve.yaml is reported by `checkConfig`. */
async function checkApproval(paths: WorkspacePaths): Promise<Finding[]> {
  const loaded = await loadNerveConfig(paths);
  const found = await readLock(paths);
  if (!loaded.ok || found.kind === "none") return [];
  const exceeding = new Set(
    (await checkLock(loaded.value, paths)).map(({ path }) =>
      path.split(".", 2).join(" ").replace(/^(sense|workflow)s/, "$1")
    ),
  );
  if (found.kind === "unusable") {
    return [failed("approval", `${permissionLockName} ${found.why}`, "nerve permissions diff, then approve")];
  }
  const message = `nerve.yaml asks for more than ${permissionLockName} agrees to, in ${[...exceeding].join(", ")}`;
  return [
    exceeding.size > 0
      ? failed("approval", message, "nerve permissions diff")
      : passed("approval", "every permission was approved"),
  ];
}

/** The most files that are checked: a workspace has hundreds of files, not thousands. */
const entriesMax = 10_000;
/** The most names that one finding lists. */
const namesMax = 3;

/**
 * A user who can write to code that nerve runs can do all that nerve can. Group-writable files are left to the user's
 * umask; files that everyone can write to are reported.
 */
function checkModes(paths: WorkspacePaths): Finding[] {
  const writable: string[] = [], foreign: string[] = [], readable: string[] = [], own = Deno.uid();
  let seen = 0;
  const visit = (path: string, secret: boolean): void => {
    const info = lstat(path);
    if (info === null || info.isSymlink || seen++ > entriesMax) return;
    const mode = (info.mode ?? 0) & 0o777, name = relative(paths.root, path) || ".";
    if ((mode & 0o002) !== 0) writable.push(`${name} (${formatMode(mode)})`);
    if (info.uid !== own) foreign.push(`${name} (uid ${info.uid})`);
    if (secret && (mode & 0o007) !== 0) readable.push(`${name} (${formatMode(mode)})`);
    if (info.isDirectory) { for (const entry of Deno.readDirSync(path)) visit(join(path, entry.name), false); }
  };
  visit(paths.configFile, false);
  for (const folder of [paths.senses, paths.workflows, paths.lib]) visit(folder, false);
  // The content of these folders is private if others cannot enter them.
  for (const folder of [paths.data, paths.logs]) visit(folder, true);
  const root = lstat(paths.root);
  if (root !== null && ((root.mode ?? 0) & 0o002) !== 0) writable.push(`. (${formatMode((root.mode ?? 0) & 0o777)})`);
  const findings = [
    listNames(failed, writable, "anybody may change", `chmod -R o-w ${paths.root}`),
    listNames(warning, foreign, "owned by another user:", `chown -R "$(id -u)" ${paths.root}`),
    listNames(warning, readable, "anybody may read", `chmod 700 ${paths.data} ${paths.logs}`),
  ].filter((finding) => finding !== null);
  return findings.length > 0
    ? findings
    : [passed("permissions", `nobody else may change what nerve runs (${seen} files)`)];
}

function listNames(create: typeof failed, names: readonly string[], what: string, hint: string): Finding | null {
  if (names.length === 0) return null;
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : "";
  return create("permissions", `${what} ${names.slice(0, namesMax).join(", ")}${more}`, hint);
}

/** Uses `test -w`, which does not write. `access` of Deno's node:fs misses read-only mounts. */
async function checkWritable(paths: WorkspacePaths): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const path of [paths.root, paths.lockFile, paths.data, paths.senseDatabases, paths.logDatabase, paths.logs]) {
    if (lstat(path) === null || (await new Deno.Command("test", { args: ["-w", path] }).output()).success) continue;
    const name = path === paths.root ? "the workspace" : relative(paths.root, path);
    const hint = `give this user access (ls -ld ${path}), or mount its file system writable`;
    findings.push(failed("writing", `${name} cannot be written by this user`, hint));
  }
  return findings.length > 0 ? findings.slice(0, namesMax) : [passed("writing", "the daemon may write its files")];
}

function checkDatabases(paths: WorkspacePaths): Finding[] {
  const databases = [paths.logDatabase, ...listSenseDatabases(paths)].filter((path) => lstat(path) !== null);
  const odd = listOddFiles(paths).filter(({ path }) => !databases.includes(path.replace(/-(wal|shm|journal)$/, "")));
  const misplaced = odd.slice(0, namesMax).map(({ path, why }) =>
    failed("databases", `${relative(paths.root, path)} ${why}`, `it does not belong there: move ${path} away`)
  );
  const looks = databases.map((path) => ({ path, ...checkDatabaseHealth(path) }));
  const broken = looks.filter(({ problem }) => problem !== null);
  if (broken.length + misplaced.length > 0) {
    const damaged = broken.map(({ path, problem }) =>
      failed("databases", `${relative(paths.root, path)}: ${problem}`, createHint(path, problem))
    );
    return [...damaged, ...misplaced];
  }
  const missing = findMissingIndexes(paths.logDatabase);
  if (missing?.atStart === false) {
    const hint = "nerve stop, then nerve store archive --vacuum builds it";
    return [warning("databases", "the log lacks an index: queries by source read much of it", hint)];
  }
  const partly = looks.filter(({ whole }) => !whole).length;
  const more = partly === 0 ? "" : `; ${partly} of them large and checked in part: nerve store verify checks all`;
  return [passed("databases", `${databases.length} are intact${more}`)];
}

/** SQLite cannot even read a database in a folder where it may not write. Such a database may well be intact. */
function createHint(path: string, fault: string | null): string {
  return fault === "unable to open database file"
    ? `it may be intact: give this user access to ${path} and its folder, or mount its file system writable`
    : `nerve stop, then restore ${path} from a backup, or move it away: a new, empty one is created`;
}

function listSenseDatabases({ senseDatabases }: WorkspacePaths): string[] {
  if (lstat(senseDatabases) === null) return [];
  return [...Deno.readDirSync(senseDatabases)].map(({ name }) => name).filter((name) => name.endsWith(".db")).sort()
    .map((name) => join(senseDatabases, name));
}

/**
 * A clock that was set back leaves rows in the future. Until it catches up, `--since` and throttles after a restart are
 * wrong.
 */
function checkClock(paths: WorkspacePaths, clock: Clock): Finding[] {
  try {
    using records = openRecords(paths);
    const [last] = records?.logs({ order: "desc", limit: 1 }) ?? [];
    if (last === undefined) return [passed("clock", "nothing has happened yet")];
    const ahead = last.ts - clock.now();
    if (ahead < 60_000) return [passed("clock", "not behind the log")];
    const message = `the newest row of the log is ${formatDuration(Math.round(ahead / 1_000) * 1_000)} in the future`;
    return [failed("clock", message, "set the clock (timedatectl set-ntp true); rows keep their order by id")];
  } catch (thrown) {
    if (!(thrown instanceof NerveError)) throw thrown;
    // `checkDatabases` reports the cause.
    return [warning("clock", `unknown: ${thrown.message}`, "see databases")];
  }
}

function lstat(path: string): Deno.FileInfo | null {
  return ifPresent(() => Deno.lstatSync(path));
}
