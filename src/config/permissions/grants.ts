/**
 * Derives what the worker of a group or workflow may do, and why: a pure function of the configuration (model:
 * docs/security.md). The kernel passes `buildSandboxPermissions` to the process; `nerve permissions` prints
 * `explainPermissions`.
 * I1. The grants are exactly the rows of the explanation: there is no other source. An implied file whose folder is
 *     implied too is left out: Deno searches the whole list for each file, and a group may hold 2,000 senses.
 * I2. A permission that no sense or workflow declares is denied, unless being that group or workflow implies it.
 * I3. A list is never empty: no grant is `false`.
 */
import { join, resolve } from "node:path";
import { assert, unreachable } from "../../base/errors.ts";
import type { SandboxPermissions } from "../../protocol/confinement.ts";
import type { SenseConfig, WorkflowConfig } from "../types.ts";
import {
  groupMembers,
  type NerveConfig,
  type PermissionName,
  permissionNames,
  type PermissionRequest,
} from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import { isProcessVariable } from "./request.ts";

/** The unit that a process runs. */
export interface GrantedUnit {
  readonly kind: "group" | "workflow";
  readonly name: string;
}

export interface GrantContext {
  /** Folders of nerve's own code that the worker loads. */
  readonly nerveModules: readonly string[];
  /** The user's home folder, for `~`. */
  readonly home: string | null;
  /** Default: the variables of this process. */
  readonly env?: (name: string) => string | undefined;
  /** The version of Landlock that holds programs; 0: none. Default: this system's. */
  readonly landlock?: () => number;
}

/** One grant. `value` is an absolute path, a host, a name, or true for everything. */
export interface PermissionRow {
  /** `unconfined`: Landlock does not hold the process. */
  readonly permission: PermissionName | "unconfined";
  readonly value: string | true;
  readonly why: string;
  /** The sense or workflow that declares it; null: implied. */
  readonly declaredBy: string | null;
}

/** The permissions for Deno's Worker. The unit must exist in the configuration. */
export function buildSandboxPermissions(
  config: NerveConfig,
  paths: WorkspacePaths,
  unit: GrantedUnit,
  context: GrantContext,
): SandboxPermissions {
  const rows = explainPermissions(config, paths, unit, context);
  const granted = (name: PermissionName): readonly string[] | boolean => {
    const values = dropCovered(rows.filter((row) => row.permission === name)).map((row) => row.value);
    if (values.includes(true)) return true;
    // Deno's import permission covers only hosts; the worker itself checks packages (sandbox/module_gate.ts).
    const isPackage = (value: string) => name === "import" && value.startsWith("npm:");
    const list = new Set(values.filter((value) => value !== true).filter((value) => !isPackage(value)));
    return list.size === 0 ? false : [...list];
  };
  return {
    read: granted("read"),
    write: granted("write"),
    net: granted("net"),
    env: granted("env"),
    run: granted("run"),
    sys: granted("sys"),
    ffi: granted("ffi"),
    import: granted("import"),
  };
}

/** Every grant with its reason: one row per value and reason. Declared grants come first. */
export function explainPermissions(
  config: NerveConfig,
  paths: WorkspacePaths,
  unit: GrantedUnit,
  context: GrantContext,
): PermissionRow[] {
  const declared = (kind: string, name: string, request: PermissionRequest) => {
    const why = `declared by ${kind} ${name}`;
    const rows = resolveRequest(request, paths.root, context.home).map(({ permission, value }): PermissionRow => {
      return { permission, value, why, declaredBy: name };
    });
    const open: PermissionRow = { permission: "unconfined", value: true, why, declaredBy: name };
    return request.unconfined === true ? [...rows, open] : rows;
  };
  switch (unit.kind) {
    case "group": {
      const members = groupMembers(config, unit.name);
      const rows = members.flatMap((sense) => declared("sense", sense.name, sense.permissions));
      return [...rows, ...implyForGroup(config, paths, members), ...implyForAll(paths, context)];
    }
    case "workflow": {
      const workflow = config.workflows.get(unit.name);
      assert(workflow !== undefined, `grants of the unknown workflow ${unit.name}`);
      const rows = declared("workflow", unit.name, workflow.permissions);
      const own = implyGrants("read", [paths.workflowFolder(workflow.use)], "its own folder");
      const log = implyGrants("read", listDatabaseFiles(paths.logDatabase), "the log");
      return [...rows, ...own, ...implyForPeers(config, paths, [workflow]), ...log, ...implyForAll(paths, context)];
    }
    default:
      return unreachable(unit.kind);
  }
}

/** The rows of one permission without implied paths below other implied paths. */
function dropCovered(rows: readonly PermissionRow[]): PermissionRow[] {
  const folders = new Set(rows.filter(({ declaredBy }) => declaredBy === null).map(({ value }) => value));
  const isCovered = (path: string) => {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (folders.has(path.slice(0, end))) return true;
    }
    return false;
  };
  return rows.filter(({ declaredBy, value }) => declaredBy !== null || value === true || !isCovered(value));
}

function implyGrants(permission: PermissionName, values: readonly string[], reason: string): PermissionRow[] {
  return values.map((value) => ({ permission, value, why: `implied: ${reason}`, declaredBy: null }));
}

function implyForAll(paths: WorkspacePaths, context: GrantContext): PermissionRow[] {
  return [
    ...implyGrants("read", [paths.lib], "shared code"),
    ...implyGrants("read", context.nerveModules, "nerve's own modules"),
    ...implyGrants("read", [paths.blobs], "blobs"),
    ...implyGrants("write", [paths.blobs], "blobs"),
  ];
}

function implyForGroup(config: NerveConfig, paths: WorkspacePaths, members: readonly SenseConfig[]): PermissionRow[] {
  const own = members.flatMap(({ name, use }) => {
    const files = listDatabaseFiles(paths.senseDatabase(name));
    return [
      ...implyGrants("read", [paths.senseFolder(use)], `folder of sense ${name}`),
      ...implyGrants("read", files, `database of sense ${name}`),
      // SQLite needs no Deno permission for the files that it keeps beside the database.
      ...implyGrants("write", [paths.senseDatabase(name)], `database of sense ${name}`),
    ];
  });
  return [
    ...own,
    ...implyForPeers(config, paths, members),
    ...implyGrants("read", listDatabaseFiles(paths.logDatabase), "the log"),
  ];
}

/** `members`: the senses of a group, or one workflow, whose name may be that of a sense. */
function implyForPeers(
  config: NerveConfig,
  paths: WorkspacePaths,
  members: readonly SenseConfig[] | readonly [WorkflowConfig],
): PermissionRow[] {
  // The folder, not each file: a new sense must not restart the process of every other sense.
  if (members.some(({ peers }) => peers === "all")) {
    return implyGrants("read", [paths.senseDatabases], "databases of peers: all");
  }
  const own = new Set(members.flatMap((member) => "group" in member ? [member.name] : []));
  const listed = new Set(members.flatMap(({ peers }) => peers === "all" ? [] : peers));
  const named = [...config.senses.keys()].filter((name) => listed.has(name) && !own.has(name));
  return named.flatMap((peer) =>
    implyGrants("read", listDatabaseFiles(paths.senseDatabase(peer)), `database of peer ${peer}`)
  );
}

/** The up to four files of a SQLite database. */
export function listDatabaseFiles(database: string): string[] {
  return [database, `${database}-wal`, `${database}-shm`, `${database}-journal`];
}

/** A declared grant with its absolute path; `declared` is the original text. */
export interface ResolvedGrant {
  readonly permission: PermissionName;
  readonly value: string | true;
  readonly declared: string;
}

export function resolveRequest(request: PermissionRequest, root: string, home: string | null): ResolvedGrant[] {
  return permissionNames.flatMap((permission): ResolvedGrant[] => {
    const wanted = request[permission];
    if (wanted === undefined) return [];
    if (wanted === true) return [{ permission, value: true, declared: "true" }];
    return wanted.map((declared) => ({ permission, value: resolveValue(permission, declared, root, home), declared }));
  });
}

function resolveValue(permission: PermissionName, value: string, root: string, home: string | null): string {
  const isPath = permission === "read" || permission === "write" || permission === "ffi";
  // A program without a slash is found through PATH.
  if (!isPath && !(permission === "run" && value.includes("/"))) return value;
  if (home !== null && (value === "~" || value.startsWith("~/"))) return join(home, value.slice(2));
  return resolve(root, value);
}

/**
 * The variables of `all` that a unit's process gets: those granted by name, by a prefix such as `EXAMPLE_*`, or by
 * `true`. A variable that could change the trusted process around the sandbox never passes.
 */
export function buildSandboxEnvironment(
  permissions: SandboxPermissions,
  all: Readonly<Record<string, string>>,
): Record<string, string> {
  const { env } = permissions;
  const granted = (name: string): boolean => {
    if (isProcessVariable(name)) return false;
    if (typeof env === "boolean") return env;
    return env.some((wanted) => wanted.endsWith("*") ? name.startsWith(wanted.slice(0, -1)) : name === wanted);
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => granted(name)));
}
