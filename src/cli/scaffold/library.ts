/**
 * Reads the library from which `nerve init` and `nerve sense add` copy: the folders `senses/` and `workflows/` beside
 * `src/`. They are found relative to this module, so that a compiled nerve finds them inside itself too.
 * The README of each folder has one ```yaml block: the lines that nerve.yaml needs for it.
 * A folder does not import from its siblings. Code that several folders share is in `lib/`, and is copied along.
 */
import { dirname, join, relative } from "node:path";
import { stringify } from "yaml";
import { assert } from "../../base/errors.ts";
import { toFilePath } from "../../base/file_url.ts";
import { resolveOwnFile } from "../../base/self_exec.ts";
import { parseNerveConfig } from "../../config/parse.ts";
import type { PermissionRequest } from "../../config/types.ts";

export type LibraryKind = "senses" | "workflows";

const root = toFilePath(resolveOwnFile("../"));

/** The names in the library, sorted. */
export function listLibrary(kind: LibraryKind): string[] {
  return [...Deno.readDirSync(join(root, kind))].filter((entry) => entry.isDirectory).map(({ name }) => name).sort();
}

/**
 * The files of one folder of the library, and the files of `lib/` that they import, keyed by their paths in a
 * workspace.
 */
export function readLibraryFiles(kind: LibraryKind, name: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (folder: string) => {
    for (const entry of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) visit(path);
      else files.set(relative(root, path), Deno.readFileSync(path));
    }
  };
  visit(join(root, kind, name));
  // Iterating a Map visits entries that are added meanwhile, so imports of imports are found too.
  for (const [path, bytes] of files) {
    for (const shared of findSharedImports(path, bytes)) {
      if (!files.has(shared)) files.set(shared, Deno.readFileSync(join(root, shared)));
    }
  }
  return files;
}

/** The files of `lib/` that a module imports, relative to the workspace. */
function findSharedImports(path: string, bytes: Uint8Array): string[] {
  if (!path.endsWith(".ts")) return [];
  return findRelativeImports(path, new TextDecoder().decode(bytes)).filter((target) => target.startsWith("lib/"));
}

/** The modules that the module at `path` imports by relative specifiers. Their paths have the same base as `path`. */
export function findRelativeImports(path: string, text: string): string[] {
  const imports = text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...imports].map(([, specifier = ""]) => join(dirname(path), specifier));
}

/** The lines of nerve.yaml for a folder of the library, keyed by top-level key. The entry `as` uses its code. */
export function readLibraryYaml(kind: LibraryKind, name: string, as: string = name): Map<string, string[]> {
  const block = readYamlBlock(kind, name);
  // YAML does not read some names as strings unless they are quoted: 123, null, true.
  const quoted = stringify(as).trim();
  const sections = new Map<string, string[]>();
  let section: string[] | null = null;
  for (const line of block.trimEnd().split("\n")) {
    const key = /^([a-z_]+):\s*$/.exec(line)?.[1];
    if (key !== undefined) sections.set(key, section = []);
    else {
      assert(section !== null, `${kind}/${name}/README.md: "${line}" is under no key`);
      section.push(line.replace(`  ${name}:`, `  ${quoted}:`).replace(`{ sense: ${name},`, `{ sense: ${quoted},`));
      if (as !== name && line === `  ${name}:`) section.push(`    use: ${name}`);
    }
  }
  return sections;
}

function readYamlBlock(kind: LibraryKind, name: string): string {
  const block = /^```yaml\n(.*?)^```/ms.exec(readReadme(kind, name))?.[1];
  assert(block !== undefined, `${kind}/${name}/README.md has no yaml block`);
  return block;
}

function readReadme(kind: LibraryKind, name: string): string {
  return Deno.readTextFileSync(join(root, kind, name, "README.md"));
}

export interface LibraryEntry {
  readonly name: string;
  /** The first sentence of its README. */
  readonly brief: string;
  /** The permissions that its lines request. Hosts and paths among them are often examples. */
  readonly permissions: PermissionRequest;
}

export function readLibraryEntry(kind: LibraryKind, name: string): LibraryEntry {
  const parsed = parseNerveConfig(readYamlBlock(kind, name));
  const permissions = parsed.ok ? parsed.value.config[kind].get(name)?.permissions : undefined;
  assert(permissions !== undefined, `${kind}/${name}/README.md: its yaml block is not valid`);
  const brief = /^# .*\n\n([^]*?\.)(?=\s)/.exec(readReadme(kind, name))?.[1];
  assert(brief !== undefined, `${kind}/${name}/README.md does not begin with a title and a sentence`);
  return { name, brief: brief.replaceAll("\n", " "), permissions };
}
