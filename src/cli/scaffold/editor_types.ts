/**
 * Provides editors and `deno check` with the types of "nerve": copies its modules to the workspace's `.nerve/types/`,
 * to which the workspace's deno.json leads through an import map. The map cannot lead to nerve itself: a portable nerve
 * is unpacked to another folder with each version, a compiled one has no folder. nerve reads none of these files when
 * it runs. Used by `init`, which writes them, and by `validate`, `run` and `start`, which update them. The schema of
 * nerve.yaml, which the first line of a new nerve.yaml names, lies beside them.
 * I1. Files outside `.nerve/types/` belong to the user. Two exceptions: an unchanged deno.json of an older `nerve
 *     init`, which contains the imports itself, is updated, unless the user has an import map under that name; and the
 *     entries `nerve/peers/NAME` of the import map follow nerve.yaml.
 * I2. A workspace whose deno.json does not lead to `.nerve/types/` gets no such folder.
 */
import { dirname, join, relative } from "node:path";
import { isDeepEqual } from "../../base/deep_equal.ts";
import { messageOf } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { toPrintable } from "../../base/printable.ts";
import { toFilePath } from "../../base/file_url.ts";
import { resolveOwnFile } from "../../base/self_exec.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { CliIo } from "../io.ts";
import { sign } from "../render/terminal.ts";
import { findRelativeImports } from "./library.ts";
import { isUnchanged, writeFiles } from "./owned_files.ts";
import {
  createEditorConfig,
  createImportMap,
  importMapFile,
  schemaFile,
  schemaSource,
  typesEntry,
  typesFolder,
} from "./templates.ts";

const sources = toFilePath(resolveOwnFile(""));

/** The modules behind "nerve", by their path below `.nerve/types/`. */
export function readTypeFiles(): Map<string, string> {
  const files = new Map<string, string>(), pending = [typesEntry];
  for (const path of pending) {
    if (files.has(path)) continue;
    const text = Deno.readTextFileSync(join(sources, path));
    files.set(path, text);
    pending.push(...findRelativeImports(path, text));
  }
  return files;
}

/** Writes the files that are missing or of another version. Returns whether there were any. */
export async function writeEditorTypes(root: string): Promise<boolean> {
  let wrote = false;
  const files = [...readTypeFiles()].map(([path, text]) => [`${typesFolder}/${path}`, text] as const);
  for (const [path, text] of [...files, [schemaFile, Deno.readTextFileSync(join(sources, schemaSource))] as const]) {
    const target = join(root, path);
    if (await readText(target) === text) continue;
    await Deno.mkdir(dirname(target), { recursive: true });
    // Writing to a link would overwrite its target.
    if (await ifPresentAsync(async () => (await Deno.lstat(target)).isFile) === false) await Deno.remove(target);
    await Deno.writeTextFile(target, text);
    wrote = true;
  }
  return wrote;
}

/**
 * Updates the workspace's types. `senses`: the senses of nerve.yaml; null when it cannot be read, so that
 * `nerve/peers/` stays. A failure is reported as a warning and does not stop the command.
 */
export async function refreshEditorTypes(io: CliIo, paths: WorkspacePaths, senses: NamedSenses | null): Promise<void> {
  const { root } = paths;
  try {
    if (!await leadsToTypes(root)) return;
    await writeEditorTypes(root);
    if (senses !== null) await writePeers(paths, senses);
  } catch (thrown) {
    const why = toPrintable(messageOf(thrown));
    io.stderr.write(`${sign.warning} the types for editors in ${typesFolder} are not up to date: ${why}\n`);
  }
}

/** The senses by name; `use`: the folder of the code. */
export type NamedSenses = ReadonlyMap<string, { readonly use: string }>;

/** Maps `nerve/peers/NAME` to the schema of each sense that has one. */
async function writePeers({ root, senseSchema }: WorkspacePaths, senses: NamedSenses): Promise<void> {
  const file = join(root, importMapFile), text = await readText(file);
  const map: unknown = text === null ? null : JSON.parse(text);
  if (!isPlainObject(map) || !isPlainObject(map.imports)) return;
  // In an unchanged map, the packages follow this version of nerve.
  const isOurs = await isUnchanged(root, importMapFile), current = isOurs ? JSON.parse(createImportMap()) : map;
  const own = Object.entries<unknown>(current.imports).filter(([name]) => !name.startsWith(peerPrefix));
  const peers: [string, string][] = [];
  for (const [name, { use }] of senses) {
    if (await readText(senseSchema(use)) !== null) {
      peers.push([`${peerPrefix}${name}`, `./${relative(root, senseSchema(use))}`]);
    }
  }
  const imports = Object.fromEntries([...own, ...peers]);
  if (isDeepEqual(imports, map.imports)) return;
  const updated = new TextEncoder().encode(`${JSON.stringify({ ...map, imports }, null, 2)}\n`);
  if (isOurs) await writeFiles(root, new Map([[importMapFile, updated]]));
  else await Deno.writeFile(file, updated);
}

const peerPrefix = "nerve/peers/";

/** Whether the workspace's deno.json leads editors and `deno check` to nerve's types. */
export async function leadsToTypes(root: string): Promise<boolean> {
  const config = await readText(join(root, "deno.json"));
  if (config === null) return false;
  const map = await readText(join(root, importMapFile)), entry = `${typesFolder}/${typesEntry}`;
  if (config.includes(`"importMap": "./${importMapFile}"`)) return map?.includes(entry) ?? false;
  const replaceable = map === null || map === createImportMap(await readPeerEntries(root));
  if (replaceable && ownImports.test(config) && await isUnchanged(root, "deno.json")) {
    await writeFiles(root, await createEditorFiles(root));
    return true;
  }
  return config.includes(entry);
}

/** Imports as older versions wrote them: from nerve's own files, later from `.nerve/types/`. */
const ownImports = /"nerve": "(?:file:|\.\/\.nerve\/)/;

/** The entries `nerve/peers/NAME` of the workspace's import map. */
async function readPeerEntries(root: string): Promise<Record<string, unknown>> {
  const map: unknown = JSON.parse(await readText(join(root, importMapFile)) ?? "null");
  if (!isPlainObject(map) || !isPlainObject(map.imports)) return {};
  return Object.fromEntries(Object.entries(map.imports).filter(([name]) => name.startsWith(peerPrefix)));
}

/** The map comes first: a deno.json without its map would be worse than the older deno.json. */
export async function createEditorFiles(root: string): Promise<Map<string, Uint8Array>> {
  const encoder = new TextEncoder();
  return new Map([
    [importMapFile, encoder.encode(createImportMap(await readPeerEntries(root)))],
    ["deno.json", encoder.encode(createEditorConfig())],
  ]);
}

/** Null also for anything but a file: a pipe would never answer. */
async function readText(path: string): Promise<string | null> {
  return await ifPresentAsync(async () => (await Deno.stat(path)).isFile ? await Deno.readTextFile(path) : null);
}
