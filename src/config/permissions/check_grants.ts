/**
 * Rejects permissions that would let a sense or workflow reach nerve itself, outside the sandbox, and warns of those
 * that reach further than they say. Needs absolute paths and follows symbolic links; called by load.ts.
 */
import { dirname, join, relative } from "node:path";
import { isMissing } from "../../base/if_present.ts";
import { type ConfigPath, type Diagnostic, quote } from "../diagnostic.ts";
import { DiagnosticList } from "../diagnostic_list.ts";
import type { ParsedConfig } from "../parse.ts";
import type { PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import { resolveEnvFile } from "../environment.ts";
import { type GrantContext, resolveRequest } from "./grants.ts";
import { pathContains } from "./path_contains.ts";
import { findLinksOut } from "./symlinks.ts";

/** Checks the declarations of every sense and workflow. */
export async function checkGrants(
  parsed: ParsedConfig,
  paths: WorkspacePaths,
  context: GrantContext,
): Promise<Diagnostic[]> {
  const diagnostics = new DiagnosticList(parsed.placeOf);
  const { senses, workflows } = parsed.config, envFile = resolveEnvFile(parsed.config, paths.root, context.home);
  const envFiles = envFile === null ? [] : await resolveSpellings(envFile);
  const units = [
    ...[...senses.values()].map((sense) => ["senses", sense.name, sense.permissions] as const),
    ...[...workflows.values()].map((workflow) => ["workflows", workflow.name, workflow.permissions] as const),
  ];
  for (const [section, name, request] of units) {
    await checkRequest(request, [section, name, "permissions"], { paths, ...context, envFiles, diagnostics });
  }
  return diagnostics.sorted();
}

interface Scope extends GrantContext {
  readonly paths: WorkspacePaths;
  /** The configured file of variables, as written and where links lead. */
  readonly envFiles: readonly string[];
  readonly diagnostics: DiagnosticList;
}

async function checkRequest(request: PermissionRequest, path: ConfigPath, scope: Scope): Promise<void> {
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
    if (isNeverGranted(permission, value)) {
      scope.diagnostics.warning(
        at,
        `${permission} of ${
          quote(value)
        } opens nothing: Deno denies /proc, /sys and /dev to all code without full trust`,
        "use node:os or Deno.systemMemoryInfo, or run a program such as ps, df or ip",
      );
      continue;
    }
    if (permission === "write") await checkWrite(value, at, scope);
    else {
      await checkRead(value, at, scope);
      await checkExists(value, at, request, scope);
    }
    await checkLinks(permission, value, at, scope);
  }
}

/** The paths that no sandbox may write, and what each holds. */
function listProtectedPaths({ paths, envFiles, nerveModules }: Scope): [path: string, what: string][] {
  return [
    ...envFiles.map((file): [string, string] => [file, "env_file, the variables of all senses and workflows"]),
    ...nerveModules.map((folder): [string, string] => [folder, "nerve's own code, which runs outside the sandbox"]),
    [paths.configFile, "nerve.yaml, which grants permissions"],
    [paths.senses, "the code of senses, which may run with other permissions"],
    [paths.workflows, "the code of workflows, which may run with other permissions"],
    [paths.lib, "code that senses and workflows share"],
    [paths.data, "the log and the databases of other senses"],
    [paths.logs, "the daemon's text log"],
    [paths.lockFile, "the daemon's lock"],
    [paths.pidFile, "the daemon's pid file"],
    [paths.socket, "the control socket"],
    [paths.runtimeFolder, "the sockets of the daemon"],
    [join(paths.root, "nerve.permissions.lock"), "the record of agreed permissions"],
    // A hook or a configured filter runs when the owner next uses git, outside any sandbox.
    [join(paths.root, ".git"), "git hooks, which run outside the sandbox"],
  ];
}

async function checkWrite(value: string, at: ConfigPath, scope: Scope): Promise<void> {
  const { home, diagnostics } = scope;
  for (const spelling of await resolveSpellings(value)) {
    for (const [path, what] of listProtectedPaths(scope)) {
      if (!pathContains(spelling, path) && !pathContains(path, spelling)) continue;
      const link = spelling === value ? "" : ` through a symbolic link to ${spelling}`;
      const hint = "grant a folder that nerve does not use, such as files/ in the workspace";
      return diagnostics.error(at, `write of ${quote(value)} covers ${what}${link}`, hint);
    }
  }
  if (systemFolders.some((folder) => pathContains(folder, value))) {
    diagnostics.warning(
      at,
      `write of ${quote(value)} opens the sandbox: the system executes or reads what is written there`,
    );
  } else if (home !== null && (value === home || value.startsWith(`${home}/.`))) {
    diagnostics.warning(
      at,
      `write of ${quote(value)} opens the sandbox: programs execute or read what is written there`,
    );
  }
}

const systemFolders = ["/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/sbin", "/sys", "/usr/bin", "/usr/lib"];

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

/** The only files there that a grant of the path opens (measured, Deno 2.9.6). */
const openDevices = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

function isNeverGranted(permission: "read" | "write", value: string): boolean {
  if (openDevices.includes(value) || (permission === "read" && value === "/dev/tty")) return false;
  return ["/dev", "/proc", "/sys"].some((folder) => pathContains(folder, value));
}

/** A missing path is usually misspelt, unless the sense may write it too: then it may create it later. */
async function checkExists(value: string, at: ConfigPath, request: PermissionRequest, scope: Scope): Promise<void> {
  const { paths: { root }, home, diagnostics } = scope, { write = [] } = request;
  const own = resolveRequest({ write }, root, home).some((grant) =>
    grant.value === true || pathContains(grant.value, value)
  );
  if (own || !await isAbsent(value)) return;
  diagnostics.warning(at, `read of ${quote(value)}: the path does not exist`, "is it misspelt, or made later?");
}

async function isAbsent(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return false;
  } catch (thrown) {
    // A path that cannot be read may exist.
    return isMissing(thrown);
  }
}

/** Links out of a granted folder are an error when they let the sandbox write to nerve, otherwise a warning. */
async function checkLinks(permission: "read" | "write", value: string, at: ConfigPath, scope: Scope): Promise<void> {
  const links = await findLinksOut(value), [first] = links;
  if (first === undefined) return;
  if (permission === "write") {
    for (const { link, target } of links) {
      const [, what] = listProtectedPaths(scope).find(([path]) =>
        pathContains(target, path) || pathContains(path, target)
      ) ?? [];
      if (what === undefined) continue;
      return scope.diagnostics.error(
        at,
        `write of ${quote(value)} covers ${what} through the link ${quote(link)}`,
        "remove the link",
      );
    }
  }
  const more = links.length === 1 ? "" : ` (and ${links.length - 1} more)`;
  scope.diagnostics.warning(
    at,
    `${permission} of ${quote(value)} reaches outside: the link ${quote(first.link)} leads to ${
      quote(first.target)
    }${more}`,
    "Deno follows links: grant a folder without links, or remove them",
  );
}

async function checkSocket(path: string, at: ConfigPath, { paths, diagnostics }: Scope): Promise<void> {
  for (const spelling of await resolveSpellings(path)) {
    if (spelling === paths.socket || pathContains(paths.runtimeFolder, spelling)) {
      return diagnostics.error(
        at,
        "senses and workflows must not use the control socket",
        "a sense starts a workflow with its return value",
      );
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
