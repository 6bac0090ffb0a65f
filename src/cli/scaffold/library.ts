/**
 * The library that `nerve init` and `nerve sense add` copy from: the folders `senses/` and `workflows/` beside `src/`,
 * found relative to this module so that a compiled nerve, which carries them inside, finds them as well.
 * Each folder's README holds one ```yaml block: the lines that nerve.yaml needs for it.
 * A folder imports nothing of its siblings; what several share stands in `lib/`, and comes along into the workspace's.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { assert } from "../../base/errors.ts";
import { resolveOwnFile } from "../../base/self_exec.ts";
import { parseNerveConfig } from "../../config/parse.ts";
import type { PermissionRequest } from "../../config/types.ts";

export type LibraryKind = "senses" | "workflows";

const root = fileURLToPath(resolveOwnFile("../"));

/** What the library holds, in order. */
export function listLibrary(kind: LibraryKind): string[] {
  return [...Deno.readDirSync(join(root, kind))].filter((entry) => entry.isDirectory).map(({ name }) => name).sort();
}

/**
 * The files of one folder of the library and the files of `lib/` that they import, by their path in a workspace, where
 * the folder is called `as`.
 */
export function readLibraryFiles(kind: LibraryKind, name: string, as: string = name): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (folder: string) => {
    for (const entry of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) visit(path);
      else files.set(relative(root, path), Deno.readFileSync(path));
    }
  };
  visit(join(root, kind, name));
  // A Map's iteration reaches what is added on the way: imports of imports come along too.
  for (const [path, bytes] of files) {
    for (const shared of sharedImports(path, bytes)) {
      if (!files.has(shared)) files.set(shared, Deno.readFileSync(join(root, shared)));
    }
  }
  const inside = (path: string) => path.startsWith("lib/") ? path : join(kind, as, relative(join(kind, name), path));
  return new Map([...files].map(([path, bytes]) => [inside(path), bytes]));
}

/** The files of `lib/` that a module imports, relative to the workspace. */
function sharedImports(path: string, bytes: Uint8Array): string[] {
  if (!path.endsWith(".ts")) return [];
  return findRelativeImports(path, new TextDecoder().decode(bytes)).filter((target) => target.startsWith("lib/"));
}

/** The modules that the one at `path` imports by a relative specifier, relative to what `path` is relative to. */
export function findRelativeImports(path: string, text: string): string[] {
  const imports = text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...imports].map(([, specifier = ""]) => join(dirname(path), specifier));
}

/** The lines of nerve.yaml for a folder of the library, by top-level key, for an entry that is called `as`. */
export function readLibraryYaml(kind: LibraryKind, name: string, as: string = name): Map<string, string[]> {
  const block = yamlBlock(kind, name);
  // Some names are no texts to YAML: 123, null, true.
  const written = stringify(as).trim();
  const sections = new Map<string, string[]>();
  let section: string[] | null = null;
  for (const line of block.trimEnd().split("\n")) {
    const key = /^([a-z_]+):\s*$/.exec(line)?.[1];
    if (key !== undefined) sections.set(key, section = []);
    else {
      assert(section !== null, `${kind}/${name}/README.md: "${line}" stands under no key`);
      section.push(line.replace(`  ${name}:`, `  ${written}:`).replace(`{ sense: ${name},`, `{ sense: ${written},`));
    }
  }
  return sections;
}

function yamlBlock(kind: LibraryKind, name: string): string {
  const block = /^```yaml\n(.*?)^```/ms.exec(readme(kind, name))?.[1];
  assert(block !== undefined, `${kind}/${name}/README.md has no yaml block`);
  return block;
}

function readme(kind: LibraryKind, name: string): string {
  return Deno.readTextFileSync(join(root, kind, name, "README.md"));
}

export interface LibraryEntry {
  readonly name: string;
  /** The first sentence of its README. */
  readonly brief: string;
  /** What its lines ask for, as they stand: hosts and paths in them are often examples. */
  readonly permissions: PermissionRequest;
}

export function readLibraryEntry(kind: LibraryKind, name: string): LibraryEntry {
  const parsed = parseNerveConfig(yamlBlock(kind, name));
  const permissions = parsed.ok ? parsed.value.config[kind].get(name)?.permissions : undefined;
  assert(permissions !== undefined, `${kind}/${name}/README.md: its yaml block is not right`);
  const brief = /^# .*\n\n([^]*?\.)(?=\s)/.exec(readme(kind, name))?.[1];
  assert(brief !== undefined, `${kind}/${name}/README.md does not begin with a title and a sentence`);
  return { name, brief: brief.replaceAll("\n", " "), permissions };
}
