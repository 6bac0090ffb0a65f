/**
 * Refuses a workspace that another user owns or may change: that user would decide what nerve loads and runs
 * (base/ownership.ts). Called by every command that opens a workspace, by the kernel before it locks one, and by
 * load.ts for the code.
 * I1. What sandboxed code may write, data/blobs and its own database, is not checked: the code could change the mode of
 *     a file, and so prevent the next start.
 */
import { join, relative } from "node:path";
import { NerveError } from "../base/errors.ts";
import { isMissing } from "../base/if_present.ts";
import { scanFilesMax } from "../base/watch_limits.ts";
import {
  findFaultsBelow,
  findOwnershipFault,
  type OwnershipFault,
  readTrust,
  type Trust,
  trustVariable,
} from "../base/ownership.ts";
import type { ConfigPath, Diagnostic } from "./diagnostic.ts";
import { DiagnosticList } from "./diagnostic_list.ts";
import type { ParsedConfig } from "./parse.ts";
import { permissionLockName } from "./permissions/lock_file.ts";
import type { WorkspacePaths } from "./workspace.ts";

/** Throws NerveError OWNER_UNTRUSTED. */
export function requireTrustedWorkspace(paths: WorkspacePaths, trust: Trust = readTrust()): void {
  for (const path of listStateFiles(paths)) requireTrusted(path, paths.root, trust);
  for (const path of [paths.lockFile, paths.pidFile]) requireFile(path, Deno.lstatSync);
  for (const path of [paths.textLog, paths.logDatabase]) requireFile(path, Deno.statSync);
}

/** The workspace's author may have put a link there, whose target nerve would truncate, or a pipe, which blocks. */
function requireFile(path: string, look: (path: string) => Deno.FileInfo): void {
  const info = lookIfMay(path, look);
  if (info === null || info.isFile) return;
  const what = info.isSymlink ? "a symbolic link" : info.isDirectory ? "a folder" : "no file";
  throw new NerveError("OWNER_UNTRUSTED", `${path} is ${what}: nothing of it was used`, {
    hint: "nerve makes it as a file: move it away",
  });
}

/** Null when the path does not exist or may not be inspected: the code that opens it reports why. */
function lookIfMay(path: string, look: (path: string) => Deno.FileInfo): Deno.FileInfo | null {
  try {
    return look(path);
  } catch (thrown) {
    const { PermissionDenied, FilesystemLoop } = Deno.errors;
    if (isMissing(thrown) || thrown instanceof PermissionDenied || thrown instanceof FilesystemLoop) return null;
    throw thrown;
  }
}

/** For a folder or file that a command was asked to use. Throws NerveError OWNER_UNTRUSTED. */
export function requireTrusted(path: string, whole: string = path, trust: Trust = readTrust()): void {
  const fault = findOwnershipFault(path, trust);
  if (fault !== null) throw untrusted(fault, whole);
}

/** Like `requireTrusted`, for a folder with everything in it. */
export function requireTrustedTree(folder: string, trust: Trust = readTrust()): void {
  requireTrusted(folder, folder, trust);
  for (const fault of findFaultsBelow(folder, trust, Infinity)) throw untrusted(fault, folder);
}

/** `whole`: what the user would have to trust. */
export function untrusted({ path, why, remedy }: OwnershipFault, whole: string): NerveError {
  return new NerveError("OWNER_UNTRUSTED", `${path} ${why}: nothing of it was used`, {
    hint: `if it is yours: ${remedy}; if you trust everyone who may change it: ${trustVariable}=${whole}`,
  });
}

/** What nerve reads, runs or writes before it uses any name in nerve.yaml. */
function listStateFiles(paths: WorkspacePaths): string[] {
  const { root, logDatabase } = paths;
  return [
    root,
    paths.configFile,
    join(root, permissionLockName),
    ...[paths.senses, paths.workflows, paths.lib],
    // Many users call nerve through its tasks, and editors run what it names.
    ...[join(root, "deno.json"), join(root, "import_map.json")],
    ...[paths.lockFile, paths.pidFile, paths.logs, paths.textLog, join(paths.logs, "daemon.json")],
    ...[paths.data, paths.senseDatabases, join(paths.data, "archive"), paths.archive, `${paths.data}.restored`],
    ...[logDatabase, `${logDatabase}-wal`, `${logDatabase}-shm`, `${logDatabase}-journal`],
  ];
}

/** The first file in a folder of code that another user owns or may change, in words; null when there is none. */
export function describeUntrustedCode(folder: string): string | null {
  const trust = readTrust();
  const [fault = findOwnershipFault(folder, trust)] = findFaultsBelow(folder, trust, scanFilesMax, codeSkipped);
  return fault === null ? null : `${fault.path} ${fault.why}: ${fault.remedy}`;
}

const codeSkipped = [".git", "node_modules"];

/** Reports every file of the code that another user owns or may change. */
export function checkOwners({ config, placeOf }: ParsedConfig, paths: WorkspacePaths): Diagnostic[] {
  const diagnostics = new DiagnosticList(placeOf), trust = readTrust();
  const tell = (fault: OwnershipFault, at: ConfigPath) =>
    diagnostics.error(at, `${show(fault.path, paths)} ${fault.why}`, `${fault.remedy}, or set ${trustVariable}`);
  const check = (folder: string, at: ConfigPath) => {
    const fault = findOwnershipFault(folder, trust);
    if (fault !== null) return tell(fault, at);
    for (const each of findFaultsBelow(folder, trust, scanFilesMax, codeSkipped)) tell(each, at);
  };
  for (const name of config.senses.keys()) check(paths.senseFolder(name), ["senses", name]);
  for (const name of config.workflows.keys()) check(paths.workflowFolder(name), ["workflows", name]);
  check(paths.lib, []);
  return diagnostics.sorted();
}

function show(path: string, { root }: WorkspacePaths): string {
  const near = relative(root, path);
  return near.startsWith("..") || near === "" ? path : near;
}
