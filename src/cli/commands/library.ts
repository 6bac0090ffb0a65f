/** `nerve sense add|library` and `nerve workflow add|library`: the senses and workflows that come with nerve. */
import { join } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { isMissing } from "../../base/if_present.ts";
import { hintNearest } from "../../base/did_you_mean.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { permissionNames, type PermissionRequest } from "../../config/types.ts";
import { configFileName } from "../../config/workspace.ts";
import { type CliIo, exit } from "../io.ts";
import type { LibraryOutput } from "../render/json_schemas.ts";
import { clip, dim, plural, print, printJson, printTable, sign } from "../render/terminal.ts";
import { readConfigText, replaceConfigText } from "../scaffold/config_file.ts";
import { extendOrExplain, requireValid } from "../scaffold/config_lines.ts";
import {
  type LibraryKind,
  listLibrary,
  readLibraryEntry,
  readLibraryFiles,
  readLibraryYaml,
} from "../scaffold/library.ts";
import { type PartKind, requireName } from "../scaffold/names_and_hints.ts";
import { findForeignFiles, writeFiles, type WrittenFiles } from "../scaffold/owned_files.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly as?: string | undefined;
  readonly workspace?: string | undefined;
}

const partKind = { senses: "sense", workflows: "workflow" } as const satisfies Record<LibraryKind, PartKind>;

/**
 * Checks everything before it writes. Writes the files first, since they have no effect without their lines in
 * nerve.yaml.
 */
export async function libraryAdd(kind: LibraryKind, io: CliIo, flags: Flags, name: string): Promise<number> {
  const part = partKind[kind], as = flags.as ?? name;
  requireInLibrary(kind, name);
  requireName(part, as);
  const paths = await openWorkspace(io, flags.workspace);
  const text = await readConfigText(paths.configFile);
  const { config } = requireValid(io, text);
  const users = [...config[kind].values()].filter(({ use }) => use === name).map((entry) => entry.name);
  const isThere = await hasEntry(paths.root, `${kind}/${name}`);
  // Entries that the user wrote by hand or copied lack only the code.
  if (users.length > 0 && !isThere && (flags.as === undefined || users.includes(as))) {
    return await bringCode(io, paths.root, { kind, name, users });
  }
  if (config[kind].has(as)) {
    throw new NerveError("WORKSPACE_EXISTS", `${configFileName} already has a ${part} "${as}"`, {
      hint: `to add it under another name: nerve ${part} add ${name} --as NEW`,
    });
  }
  // Code that another entry uses stays as it is, even if the library has a newer version of it.
  const inUse = users.length > 0 && isThere;
  const files = inUse ? new Map<string, Uint8Array>() : readLibraryFiles(kind, name);
  if (!inUse) await requireOwnFolder(paths.root, `${kind}/${name}`, files);
  const extended = extendOrExplain(io, text, readLibraryYaml(kind, name, as));
  const written = await writeFiles(paths.root, files);
  await replaceConfigText(paths.configFile, text, extended);
  if (inUse) print(io, `${sign.ok} ${kind}/${name}/ is there, and stays as it is`);
  else printWritten(io, `${kind}/${name}/`, written);
  report(io, kind, as, requireValid(io, extended));
  return exit.ok;
}

async function hasEntry(root: string, folder: string): Promise<boolean> {
  try {
    return (await Deno.stat(join(root, folder, "index.ts"))).isFile;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}

/** Writes only the code. */
async function bringCode(
  io: CliIo,
  root: string,
  { kind, name, users }: { readonly kind: LibraryKind; readonly name: string; readonly users: readonly string[] },
): Promise<number> {
  const files = readLibraryFiles(kind, name);
  await requireOwnFolder(root, `${kind}/${name}`, files);
  printWritten(io, `${kind}/${name}/`, await writeFiles(root, files));
  print(
    io,
    `${sign.ok} ${users.join(", ")} in ${configFileName} use${
      users.length === 1 ? "s" : ""
    } it: nothing was added there`,
  );
  print(io, `${sign.next} nerve validate`);
  return exit.ok;
}

/** Throws WORKSPACE_EXISTS when the folder has files that neither the library nor an earlier command put there. */
async function requireOwnFolder(root: string, folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const foreign = await findForeignFiles(root, folder, files);
  if (foreign.length === 0) return;
  throw new NerveError("WORKSPACE_EXISTS", `${folder} already exists, with files of your own: ${foreign.join(", ")}`, {
    hint: "rename that folder, and its entry in nerve.yaml if it has one",
  });
}

function requireInLibrary(kind: LibraryKind, name: string): void {
  const names = listLibrary(kind), part = partKind[kind];
  if (names.includes(name)) return;
  throw new NerveError(
    kind === "senses" ? "SENSE_UNKNOWN" : "WORKFLOW_UNKNOWN",
    `the library has no ${part} "${name}"`,
    { hint: hintNearest(name, names) ?? `nerve ${part} library` },
  );
}

function printWritten(io: CliIo, folder: string, { created, kept }: WrittenFiles): void {
  const shared = created.filter((path) => path.startsWith("lib/"));
  print(io, `${sign.ok} added ${[folder, ...shared].join(", ")}`);
  if (kept.length > 0) print(io, `${sign.warning} not touched, since they are yours: ${kept.join(", ")}`);
}

function report(io: CliIo, kind: LibraryKind, name: string, parsed: ParsedConfig): void {
  const { file, line } = parsed.placeOf([kind, name]);
  print(io, `${sign.ok} added the lines of "${name}" at ${file}:${line}`);
  print(io, `   it may: ${formatPermissions(parsed.config[kind].get(name)?.permissions ?? {})}`);
  print(io, `${sign.next} review its config and permissions, then: nerve validate`);
}

/** `run: df; net: a:443, b:443`. */
function formatPermissions(request: PermissionRequest): string {
  const granted = permissionNames.flatMap((name) => {
    const wanted = request[name];
    return wanted === undefined ? [] : [`${name}: ${wanted === true ? "everything" : wanted.join(", ")}`];
  });
  if (request.unconfined === true) granted.push("unconfined");
  return granted.length === 0 ? "nothing beyond its own data" : granted.join("; ");
}

export function libraryList(kind: LibraryKind, io: CliIo, flags: { json: boolean }): number {
  const items = listLibrary(kind).map((name) => readLibraryEntry(kind, name));
  if (flags.json) {
    printJson(io, { items } satisfies LibraryOutput);
    return exit.ok;
  }
  printTable(
    io,
    ["NAME", "NEEDS", "WHAT IT DOES"],
    items.map(({ name, brief, permissions }) => [name, clip(formatPermissions(permissions), 60), clip(brief, 120)]),
  );
  print(io, dim(io, `${plural(items.length, partKind[kind])}; hosts and paths are examples`));
  print(io, dim(io, `next: nerve ${partKind[kind]} add NAME`));
  return exit.ok;
}
