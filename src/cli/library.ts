/**
 * The library that `nerve init` copies from: the folders `senses/` and `workflows/` beside `src/`, found relative to
 * this module so that a compiled nerve, which carries them inside, finds them as well.
 * Each folder's README holds one ```yaml block: the lines that nerve.yaml needs for it.
 */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "../base/errors.ts";

export type LibraryKind = "senses" | "workflows";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The files of one folder of the library, by their path relative to a workspace. */
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
  return files;
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
