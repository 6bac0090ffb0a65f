/**
 * Rejects permissions that would let a sense or workflow reach nerve itself, outside the sandbox, and warns of those
 * that reach further than they say. Needs absolute paths and follows symbolic links; called by load.ts.
 */
import { dirname, join, relative } from "node:path";
import { isMissing } from "../../base/if_present.ts";
import { type ConfigPath, type Diagnostic, quote } from "../diagnostic.ts";
import { DiagnosticList } from "../diagnostic_list.ts";
import type { ParsedConfig } from "../parse.ts";
import { groupMembers, type NerveConfig, type PermissionRequest } from "../types.ts";
import { configFileName, type WorkspacePaths } from "../workspace.ts";
import { resolveEnvFile } from "../environment.ts";
import { type GrantedFolder, listSharedFiles, lookIntoFolder } from "./granted_folder.ts";
import { type GrantContext, resolveRequest } from "./grants.ts";
import { findChangeableFolders } from "./changeable.ts";
import { holdForeignLinks, type LinkScope, warnOfReplacement } from "./check_links.ts";
import { checkIsolation, isNeverGranted, warnOfSystem, warnUnheld } from "./check_isolation.ts";
import { pathContains } from "./path_contains.ts";
import {
  findProtected,
  listGrantedPrograms,
  listOfWorkspace,
  listProtectedPaths,
  type ProtectedPath,
  toProtectedPaths,
} from "./protected_paths.ts";

/** Checks the declarations of every sense and workflow. */
export async function checkGrants(
  parsed: ParsedConfig,
  paths: WorkspacePaths,
  context: GrantContext,
): Promise<Diagnostic[]> {
  const diagnostics = new DiagnosticList(parsed.placeOf), { config } = parsed;
  const envFile = resolveEnvFile(config, paths.root, context.home);
  const envFiles = envFile === null ? [] : await resolveSpellings(envFile);
  const table = listProtectedPaths(paths, context, envFiles), programs = listGrantedPrograms(config, paths, context);
  const changeable = findChangeableFolders(config, paths, context.home);
  checkIsolation(config, context, diagnostics);
  const looks = new Map<string, Promise<GrantedFolder>>(), parts = listParts(config);
  const writesOf = ({ sharers }: Part) =>
    sharers.flatMap((each) => resolveRequest({ write: each.write ?? [] }, paths.root, context.home));
  const linkers = parts.filter(({ sharers }) => sharers.some(({ run, ffi }) => run !== undefined || ffi !== undefined))
    .flatMap((part) => writesOf(part).map(({ value }) => ({ folder: value, own: part.own })));
  for (const part of parts) {
    const { section, name, request, own } = part, at = [section, name, "permissions"];
    const scope = { paths, ...context, envFiles, changeable, diagnostics, looks };
    const resolved = writesOf(part), [first] = own;
    warnUnheld(request, at, context, diagnostics);
    await checkRequest(request, at, {
      ...scope,
      table: [...table, ...toProtectedPaths(programs, own)],
      roots: [...new Set(resolved.flatMap(({ value }) => value === true ? [] : [value]))],
      linkers: linkers.flatMap(({ folder, own: [who = ""] }) =>
        folder === true || who === first ? [] : [{ folder, who }]
      ),
    });
  }
  return diagnostics.sorted();
}

interface Part {
  readonly section: "senses" | "workflows";
  readonly name: string;
  readonly request: PermissionRequest;
  /** The requests of all members that share its process, and the names of those members. */
  readonly sharers: readonly PermissionRequest[];
  readonly own: readonly string[];
}

function listParts(config: NerveConfig): Part[] {
  return [
    ...[...config.groups.keys()].flatMap((group) => {
      const members = groupMembers(config, group), sharers = members.map(({ permissions }) => permissions);
      const own = members.map(({ name }) => `sense ${name}`);
      return members.map(({ name, permissions }): Part => {
        return { section: "senses", name, request: permissions, sharers, own };
      });
    }),
    ...[...config.workflows.values()].map(({ name, permissions }): Part => {
      const own = [`workflow ${name}`];
      return { section: "workflows", name, request: permissions, sharers: [permissions], own };
    }),
  ];
}

interface Scope extends LinkScope {
  /** The configured file of variables, as written and with links resolved. */
  readonly envFiles: readonly string[];
  readonly table: readonly ProtectedPath[];
  /** What the unit may write. */
  readonly roots: readonly string[];
  readonly looks: Map<string, Promise<GrantedFolder>>;
}

async function checkRequest(request: PermissionRequest, path: ConfigPath, scope: Scope): Promise<void> {
  holdForeignLinks(request, path, scope);
  for (const { permission, value, declared } of resolveRequest(request, scope.paths.root, scope.home)) {
    const list = request[permission];
    const at = [...path, permission, ...(list === true || list === undefined ? [] : [list.indexOf(declared)])];
    if (scope.home === null && /^~(\/|$)/.test(declared)) {
      scope.diagnostics.error(at, "there is no home folder to replace ~", "write the whole path");
    }
    if (permission === "net" && value !== true && value.startsWith("unix:")) {
      await checkSocket(value.slice("unix:".length), at, scope);
    }
    if ((permission !== "read" && permission !== "write") || value === true) continue;
    warnOfReplacement(permission, value, at, scope);
    warnOfSystem(permission, value, at, request.run !== undefined, scope.diagnostics);
    if (isNeverGranted(permission, value)) continue;
    if (permission === "write") {
      // No other program uses what is checked out there.
      const isOwn = pathContains(scope.paths.worktrees, value);
      if (!await checkWrite(value, at, scope) && !isOwn) await checkInside(value, at, scope);
    } else {
      await checkRead(value, at, scope);
      checkExists(value, at, request, scope);
      warnOfLinks("read", value, await look(value, scope), at, scope);
    }
  }
}

/** Compares a write grant with the table. True when it is refused or, because a program may have made a link, held. */
async function checkWrite(value: string, at: ConfigPath, scope: Scope): Promise<boolean> {
  const { diagnostics, table } = scope;
  for (const spelling of await resolveSpellings(value)) {
    const link = spelling === value ? "" : ` through a symbolic link to ${spelling}`;
    const known = findProtected(table, spelling), hit = known ?? findInOther(spelling, scope);
    if (hit === null) continue;
    const what = `write of ${quote(value)} covers ${hit.what}${link}`;
    if (hit.refused) {
      const hint = "grant a folder that nothing else uses, such as files/ in the workspace";
      if (known !== null && link === "") diagnostics.error(at, what, hint);
      else diagnostics.hold(at, what, hint);
      return true;
    }
    diagnostics.warning(at, `write of ${quote(value)} opens the sandbox: it covers ${hit.what}${link}`, openHint);
    return false;
  }
  return false;
}

const openHint = "anyone who executes or reads it then does what the sense wrote";

/** What the path covers in another workspace that it lies in. */
function findInOther(path: string, { paths: { root } }: Scope): ProtectedPath | null {
  for (let folder = path, below = ""; folder !== below; below = folder, folder = dirname(folder)) {
    if (folder === root || isAbsentNow(join(folder, configFileName))) continue;
    const hit = findProtected(toRefused(folder), path);
    if (hit !== null) return hit;
  }
  return null;
}

function toRefused(root: string): ProtectedPath[] {
  return listOfWorkspace(root).map(([path, what]) => ({
    path,
    what: `${what}, of the workspace ${root}`,
    refused: true,
  }));
}

/** Reports what in a folder makes a write grant larger than it says. The unit's own programs may have put it there. */
async function checkInside(value: string, at: ConfigPath, scope: Scope): Promise<void> {
  const { diagnostics, table, paths: { root } } = scope, found = await look(value, scope);
  const refuse = (what: string, through: string, hint: string) =>
    diagnostics.hold(at, `write of ${quote(value)} covers ${what} through ${through}`, hint);
  const other = found.workspaces.find((folder) => folder !== root);
  if (other !== undefined) {
    const what = `the workspace ${quote(relative(value, other) || ".")}, with its permissions and its code`;
    return diagnostics.hold(at, `write of ${quote(value)} covers ${what}`, "grant a folder that holds no workspace");
  }
  for (const { link, target } of [...found.linksOut, ...found.movable]) {
    const hit = findProtected(table, target);
    if (hit?.refused !== true) continue;
    const moved = found.linksOut.some((each) => each.link === link) ? "" : ", which leads there once it is moved";
    return refuse(hit.what, `the link ${quote(link)}${moved}`, "remove the link");
  }
  if (found.shared.length > 0) {
    const files = listSharedFiles(
      listOfWorkspace(root).filter(([path]) => path !== scope.paths.data).map(([path]) => path),
    );
    for (const { path, id } of found.shared) {
      const own = files.get(id);
      if (own === undefined || own === path) continue;
      return refuse(relative(root, own), `its other name ${quote(relative(value, path))}`, "remove that hard link");
    }
  }
  const [repository] = found.repositories;
  if (repository !== undefined) {
    const what = `git hooks and settings in ${quote(relative(value, repository))}`;
    diagnostics.warning(at, `write of ${quote(value)} opens the sandbox: it covers ${what}`, openHint);
  }
  warnOfLinks("write", value, found, at, scope);
}

function look(value: string, { looks, roots, paths }: Scope): Promise<GrantedFolder> {
  const key = [value, ...roots].join("\0"), found = looks.get(key) ?? lookIntoFolder(value, roots, paths.blobs);
  looks.set(key, found);
  return found;
}

function warnOfLinks(
  permission: "read" | "write",
  value: string,
  { linksOut, movable }: GrantedFolder,
  at: ConfigPath,
  { diagnostics }: Scope,
): void {
  const moved = permission === "write" ? movable.filter(({ target }) => !isAbsentNow(target)) : [];
  const [first] = [...linksOut, ...moved], count = new Set([...linksOut, ...moved].map(({ link }) => link)).size;
  if (first === undefined) return;
  const more = count === 1 ? "" : ` (and ${count - 1} more)`, later = linksOut.length === 0 ? ", once it is moved" : "";
  diagnostics.warning(
    at,
    `${permission} of ${quote(value)} reaches outside: the link ${quote(first.link)} leads to ${
      quote(first.target)
    }${later}${more}`,
    "Deno follows links: grant a folder without links, or remove them",
  );
}

function isAbsentNow(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return false;
  } catch (thrown) {
    // A path that cannot be inspected may exist.
    return isMissing(thrown);
  }
}

async function checkRead(value: string, at: ConfigPath, { paths, envFiles, home, diagnostics }: Scope): Promise<void> {
  if (value === "/" || value === home) {
    return diagnostics.warning(at, `read of ${quote(value)} covers keys, passwords and every sense's database`);
  }
  for (const spelling of await resolveSpellings(value)) {
    if (envFiles.some((file) => pathContains(spelling, file))) {
      return diagnostics.warning(
        at,
        `read of ${quote(value)} covers env_file, the variables of all senses and workflows`,
      );
    }
    if (pathContains(spelling, paths.senseDatabases) || pathContains(paths.senseDatabases, spelling)) {
      return diagnostics.warning(at, `read of ${quote(value)} covers databases of other senses, whatever peers says`);
    }
  }
}

/** A missing path is usually misspelt, unless the sense may write it too: it may then create it later. */
function checkExists(value: string, at: ConfigPath, request: PermissionRequest, scope: Scope): void {
  const { paths: { root }, home, diagnostics } = scope, { write = [] } = request;
  const own = resolveRequest({ write }, root, home).some((grant) =>
    grant.value === true || pathContains(grant.value, value)
  );
  if (own || !isAbsentNow(value)) return;
  diagnostics.warning(at, `read of ${quote(value)}: the path does not exist`, "is it misspelt, or made later?");
}

async function checkSocket(path: string, at: ConfigPath, { paths, diagnostics }: Scope): Promise<void> {
  for (const spelling of await resolveSpellings(path)) {
    if (spelling === paths.socket || pathContains(paths.runtimeFolder, spelling)) {
      const what = "senses and workflows must not use the control socket";
      const hint = "a sense starts a workflow with its return value";
      return spelling === path ? diagnostics.error(at, what, hint) : diagnostics.hold(at, what, hint);
    }
  }
}

/** The path as granted, and its real path: Deno follows links inside a granted folder. */
async function resolveSpellings(path: string): Promise<string[]> {
  let missing = "";
  for (let existing = path;; existing = dirname(existing)) {
    try {
      const real = join(await Deno.realPath(existing), missing);
      return real === path ? [path] : [path, real];
    } catch (thrown) {
      // A missing path resolves through its parent. A path that cannot be read stays as it is.
      if (!(thrown instanceof Deno.errors.NotFound) || existing === dirname(existing)) return [path];
      missing = join(relative(dirname(existing), existing), missing);
    }
  }
}
