/**
 * The types of "nerve" for editors and `deno check`: the modules behind it, copied into the workspace's `.nerve/types/`, to
 * which its deno.json leads through an import map. What nerve itself was unpacked from or compiled into is no place to lead to: the first is
 * another folder with each version, the second is no folder at all. Nothing here is read when nerve runs.
 * Used by `init`, which writes them, and by `validate`, `run` and `start`, which bring them up to date.
 * I1. Files outside `.nerve/types/` are the user's. One exception: a deno.json that is still as an older `nerve init` wrote
 *     it, with the imports in itself, is brought up to date, unless an import map of the user's is in the way.
 * I2. A workspace whose deno.json does not lead to `.nerve/types/` gets no such folder.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { toPrintable } from "../../base/printable.ts";
import { resolveOwnFile } from "../../base/self_exec.ts";
import type { CliIo } from "../io.ts";
import { sign } from "../render/terminal.ts";
import { findRelativeImports } from "./library.ts";
import { isUnchanged, writeFiles } from "./owned_files.ts";
import { createEditorConfig, createImportMap, importMapFile, typesEntry, typesFolder } from "./templates.ts";

const sources = fileURLToPath(resolveOwnFile(""));

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

/** Writes what is missing or of another nerve. True when something was. */
export async function writeEditorTypes(root: string): Promise<boolean> {
  let wrote = false;
  for (const [path, text] of readTypeFiles()) {
    const target = join(root, typesFolder, path);
    if (await textOf(target) === text) continue;
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeTextFile(target, text);
    wrote = true;
  }
  return wrote;
}

/** Brings the workspace's types up to date. What cannot be written is told, and is no reason not to go on. */
export async function refreshEditorTypes(io: CliIo, root: string): Promise<void> {
  try {
    if (await leadsToTypes(root)) await writeEditorTypes(root);
  } catch (thrown) {
    const why = toPrintable(messageOf(thrown));
    io.stderr.write(`${sign.warning} the types for editors in ${typesFolder} are not up to date: ${why}\n`);
  }
}

async function leadsToTypes(root: string): Promise<boolean> {
  const config = await textOf(join(root, "deno.json"));
  if (config === null) return false;
  const map = await textOf(join(root, importMapFile)), entry = `${typesFolder}/${typesEntry}`;
  if (config.includes(`"importMap": "./${importMapFile}"`)) return map?.includes(entry) ?? false;
  const free = map === null || map === createImportMap();
  if (free && ownImports.test(config) && await isUnchanged(root, "deno.json")) {
    await writeFiles(root, createEditorFiles());
    return true;
  }
  return config.includes(entry);
}

/** As older nerves wrote them: into themselves, later into `.nerve/types/`. */
const ownImports = /"nerve": "(?:file:|\.\/\.nerve\/)/;

/** The map first: a deno.json that leads to none would be worse than the older one. */
export function createEditorFiles(): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  return new Map([
    [importMapFile, encoder.encode(createImportMap())],
    ["deno.json", encoder.encode(createEditorConfig())],
  ]);
}

async function textOf(path: string): Promise<string | null> {
  return await ifPresentAsync(() => Deno.readTextFile(path));
}
