/**
 * The one table of what a write grant must not cover: what other programs execute, or read as configuration. Used by
 * check_grants.ts, and so by `nerve validate`, `permissions` and every start; docs/security.md describes it.
 * I1. Both directions count: a grant of a folder above such a path covers it, and one of a path below it is part of it.
 * I2. What belongs to nerve, to any workspace, or to another unit is refused. What belongs to the system or to this
 *     user's programs causes a warning, since it may be what the sense is for.
 */
import { basename, delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { findOwnProgram } from "../../base/self_exec.ts";
import type { NerveConfig, PermissionRequest } from "../types.ts";
import { configFileName, type WorkspacePaths } from "../workspace.ts";
import { type GrantContext, resolveRequest } from "./grants.ts";
import { permissionLockName } from "./lock_file.ts";

export interface ProtectedPath {
  readonly path: string;
  /** Completes "write of X covers ...". */
  readonly what: string;
  readonly refused: boolean;
  /** Folders in it that are not covered, because they are meant to be granted. */
  readonly except?: readonly string[];
}

/** Both paths are absolute and without `..`. 20 times as fast as `relative`: each grant searches the whole table. */
function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

type Rows = readonly (readonly [path: string, what: string])[];

/** The row that a path covers, or is part of; refused rows come first. */
export function findProtected(table: readonly ProtectedPath[], path: string): ProtectedPath | null {
  const isExcepted = ({ except = [] }: ProtectedPath) => except.some((folder) => covers(folder, path));
  const hits = table.filter((row) => (covers(path, row.path) || covers(row.path, path)) && !isExcepted(row));
  return hits.find(({ refused }) => refused) ?? hits[0] ?? null;
}

/** The rows for every unit. `envFiles`: the configured file of variables, as written and with links resolved. */
export function listProtectedPaths(
  paths: WorkspacePaths,
  context: GrantContext,
  envFiles: readonly string[],
): ProtectedPath[] {
  const env = context.env ?? ((name: string) => Deno.env.get(name));
  const refused: Rows = [
    ...envFiles.map((file) => [file, "env_file, the variables of all senses and workflows"] as const),
    ...listOfWorkspace(paths.root),
    [paths.socket, "the control socket"],
    [paths.runtimeFolder, "the sockets of the daemon"],
    ...listRepositories(paths.root).map((path) => [path, "git hooks, which run outside the sandbox"] as const),
    ...listOfNerve(context, env),
    ...listDenoCaches(context.home, env).map((path) =>
      [path, "Deno's cache, from which nerve itself and other programs are loaded"] as const
    ),
    ...(context.home === null ? [] : listOfWorkspace(join(context.home, ".nerve"))).map(([path, what]) =>
      [path, `${what}, of the workspace ~/.nerve`] as const
    ),
  ];
  return [
    ...refused.map(([path, what]) => ({
      ...{ path, what, refused: true },
      ...path === paths.data ? { except: listSpellings(path).map((data) => join(data, "worktrees")) } : {},
    })),
    ...[...listOfSystem(env), ...context.home === null ? [] : listOfHome(context.home)].map(([path, what]) => ({
      path,
      what,
      refused: false,
    })),
  ].flatMap(withRealPath);
}

/** A program or library that a unit may run, by its path. */
export interface GrantedProgram {
  /** `sense NAME` or `workflow NAME`. */
  readonly of: string;
  readonly value: string;
  readonly spellings: readonly string[];
}

/** The programs and libraries that `run` and `ffi` name by a path: anyone who may write one decides what runs. */
export function listGrantedPrograms(
  { senses, workflows }: NerveConfig,
  paths: WorkspacePaths,
  { home }: GrantContext,
): GrantedProgram[] {
  const list = (of: string, { run = [], ffi = [] }: PermissionRequest) =>
    resolveRequest({ run, ffi }, paths.root, home).flatMap(({ value }) =>
      value === true || !isAbsolute(value) ? [] : [{ of, value, spellings: listSpellings(value) }]
    );
  return [
    ...[...senses.values()].flatMap(({ name, permissions }) => list(`sense ${name}`, permissions)),
    ...[...workflows.values()].flatMap(({ name, permissions }) => list(`workflow ${name}`, permissions)),
  ];
}

/** The rows of programs for a unit, whose parts are `own`: it may replace its own programs, with a warning. */
export function toProtectedPaths(programs: readonly GrantedProgram[], own: readonly string[]): ProtectedPath[] {
  return programs.flatMap(({ of, value, spellings }) => {
    const isOwn = own.includes(of), what = `${value}, which ${isOwn ? "it" : of} may run`;
    return spellings.map((path) => ({ path, what, refused: !isOwn }));
  });
}

/** What no one but its owner may change in a workspace, this one or another. */
export function listOfWorkspace(root: string): Rows {
  const inside = (name: string) => join(root, name);
  return [
    [inside(configFileName), "nerve.yaml, which grants permissions"],
    [inside(permissionLockName), "the record of agreed permissions"],
    [inside("senses"), "the code of senses, which may run with other permissions"],
    [inside("workflows"), "the code of workflows, which may run with other permissions"],
    [inside("lib"), "code that senses and workflows share"],
    [inside("data"), "the log and the databases of other senses"],
    [inside("data.restored"), "data that the next start of the daemon takes over"],
    [inside("data.restoring"), "data that a restore takes over"],
    [inside("logs"), "the daemon's text log"],
    [inside("nerve.lock"), "the daemon's lock"],
    [inside("nerve.pid"), "the daemon's pid file"],
    [inside("nerve.sock"), "the control socket"],
    [inside(".git"), "git hooks, which run outside the sandbox"],
    ...["deno.json", "deno.jsonc", "deno.lock", "package.json", "import_map.json", "node_modules", ".npmrc"].map((
      name,
    ) => [inside(name), `${name}, with which Deno runs tasks and programs`] as const),
    ...[".nerve", ".nerve-init.json"].map((name) =>
      [inside(name), "files that nerve replaces and editors read"] as const
    ),
  ];
}

/** The `.git` of every repository that the workspace may lie in, and what a worktree's `.git` file leads to. */
function listRepositories(root: string): string[] {
  const found: string[] = [];
  for (let folder = root, below = ""; folder !== below; below = folder, folder = dirname(folder)) {
    const path = join(folder, ".git");
    found.push(path, ...followGitFile(path));
  }
  return found;
}

function followGitFile(path: string): string[] {
  const text = ifPresent(() => Deno.statSync(path).isFile ? Deno.readTextFileSync(path) : "") ?? "";
  const [, to] = /^gitdir: (.+)$/m.exec(text) ?? [];
  if (to === undefined) return [];
  const folder = resolve(dirname(path), to), above = dirname(folder);
  // A worktree's folder is .git/worktrees/NAME: hooks and settings are in the repository's own.
  return [folder, ...basename(above) === "worktrees" ? [dirname(above)] : []];
}

function listOfNerve({ nerveModules, home }: GrantContext, env: (name: string) => string | undefined): Rows {
  const code = "nerve's own code, which runs outside the sandbox", executable = env("NERVE_EXECUTABLE");
  const beside = nerveModules.flatMap((folder) =>
    basename(folder) === "src"
      ? ["deno.json", "deno.lock", "lib", "senses", "workflows", "node_modules"].map((name) =>
        join(dirname(folder), name)
      )
      : []
  );
  const temporary = findTemporaryCache(env),
    cache = env("XDG_CACHE_HOME") || (home === null ? "" : join(home, ".cache"));
  const caches = [...isAbsolute(cache) ? [join(cache, "nerve")] : [], ...isThere(temporary) ? [temporary] : []];
  return [
    ...[...nerveModules, ...beside, ...caches].map((path) => [path, code] as const),
    ...[findOwnProgram(), ...executable === undefined ? [] : [executable, `${executable}.old`]].map((path) =>
      [path, "the executable of nerve"] as const
    ),
  ];
}

/** Where a portable nerve unpacks itself when it has no other place. */
function findTemporaryCache(env: (name: string) => string | undefined): string {
  return join(env("TMPDIR") || "/tmp", `nerve-cache-${Deno.uid()}`);
}

function isThere(path: string): boolean {
  return ifPresent(() => Deno.lstatSync(path)) !== null;
}

/** Where Deno keeps packages, remote modules and compiled code, by its own rules. */
function listDenoCaches(home: string | null, env: (name: string) => string | undefined): string[] {
  const { XDG_CACHE_HOME: cache = "", DENO_DIR: own = "" } = {
    XDG_CACHE_HOME: env("XDG_CACHE_HOME"),
    DENO_DIR: env("DENO_DIR"),
  };
  return [
    ...own === "" ? [] : [resolve(own)],
    ...isAbsolute(cache) ? [join(cache, "deno")] : [],
    ...home === null ? [] : [join(home, ".cache/deno"), join(home, "Library/Caches/deno")],
  ];
}

/** Folders whose files the system executes or reads as its settings. */
export const systemFolders: readonly string[] = [
  ...["/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/sbin", "/snap", "/usr", "/nix"],
  ...["/run/systemd", "/run/udev", "/var/spool/cron", "/var/spool/at", "/var/lib/dpkg", "/var/lib/systemd"],
  ...["/Applications", "/Library", "/System", "/dev", "/proc", "/sys"],
];

function listOfSystem(env: (name: string) => string | undefined): Rows {
  const programs = (env("PATH") ?? "").split(delimiter).filter(isAbsolute);
  const runtime = env("XDG_RUNTIME_DIR") || `/run/user/${Deno.uid()}`;
  return [
    ...systemFolders.map((path) => [path, "what the system executes or reads as its settings"] as const),
    [join(runtime, "systemd"), "units that systemd runs"],
    [findTemporaryCache(env), "the folder in which a portable nerve unpacks itself if it has no other"],
    ...programs.map((path) => [resolve(path), "a folder in which programs are looked for (PATH)"] as const),
  ];
}

/** Files that shells, editors, systemd, ssh and git execute or read at their next start. */
function listOfHome(home: string): Rows {
  const what = "files that this user's programs execute or read as their settings";
  const found = ifPresent(() => [...Deno.readDirSync(home)].map(({ name }) => name)) ?? [];
  const names = new Set([...found.filter((name) => name.startsWith(".")), ...usualNames]);
  return [...names].map((name) => [join(home, name), what] as const);
}

const usualNames = [
  ...[".bashrc", ".bash_profile", ".bash_aliases", ".bash_logout", ".profile", ".zshrc", ".zshenv", ".zprofile"],
  ...[".config", ".local", ".ssh", ".gnupg", ".gitconfig", ".vimrc", ".npmrc", ".denorc", ".cargo", ".deno", ".npm"],
  ...["bin", "Library"],
];

/** Adds the row under its real path too: a folder of the table may be a link. */
function withRealPath(row: ProtectedPath): ProtectedPath[] {
  return listSpellings(row.path).map((path) => ({ ...row, path }));
}

function listSpellings(path: string): string[] {
  try {
    return [...new Set([path, Deno.realPathSync(path)])];
  } catch {
    // The path is missing or may not be inspected: only its name is known.
    return [path];
  }
}
