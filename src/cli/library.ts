/**
 * The library that `nerve init` copies from: the folders `senses/` and `workflows/` beside `src/`, found relative to
 * this module so that a compiled nerve, which carries them inside, finds them as well.
 * Each folder's README holds one ```yaml block: the lines that nerve.yaml needs for it.
 * A folder imports nothing of its siblings; what several share stands in `lib/`, and comes along into the workspace's.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../base/errors.ts";

export type LibraryKind = "senses" | "workflows";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The files of one folder of the library and the files of `lib/` that they import, by their path in a workspace. */
export function libraryFiles(kind: LibraryKind, name: string): Map<string, Uint8Array> {
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
  return files;
}

/** The files of `lib/` that a module imports, relative to the workspace. */
function sharedImports(path: string, bytes: Uint8Array): string[] {
  if (!path.endsWith(".ts")) return [];
  const imports = new TextDecoder().decode(bytes).matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g);
  return [...imports].map(([, specifier = ""]) => join(dirname(path), specifier))
    .filter((target) => target.startsWith("lib/"));
}

/** The lines of nerve.yaml for a folder of the library, by top-level key (`senses`, `reflexes`, `workflows`). */
export function libraryYaml(kind: LibraryKind, name: string): Map<string, string[]> {
  const readme = Deno.readTextFileSync(join(root, kind, name, "README.md"));
  const block = /^```yaml\n(.*?)^```/ms.exec(readme)?.[1];
  assert(block !== undefined, `${kind}/${name}/README.md has no yaml block`);
  const sections = new Map<string, string[]>();
  let section: string[] | null = null;
  for (const line of block.trimEnd().split("\n")) {
    const key = /^([a-z_]+):\s*$/.exec(line)?.[1];
    if (key !== undefined) sections.set(key, section = []);
    else {
      assert(section !== null, `${kind}/${name}/README.md: "${line}" stands under no key`);
      section.push(line);
    }
  }
  return sections;
}

/** Where the types of "nerve" are, as a file URL: for editors. */
export const sdkUrl: string = import.meta.resolve("../sdk/mod.ts");
