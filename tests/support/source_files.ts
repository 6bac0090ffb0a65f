/** The repository's own files, for the house tests and the tests of the documents. */
import { fromFileUrl, join, relative } from "./paths.ts";

export const repository: string = fromFileUrl(new URL("../../", import.meta.url));

/** Paths below `folders`, relative to the repository, that end in `ending`; sorted. */
export function sourceFiles(folders: readonly string[], ending: string): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of Deno.readDirSync(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) walk(path);
      else if (entry.isFile && entry.name.endsWith(ending)) found.push(relative(repository, path));
    }
  };
  for (const folder of folders) walk(join(repository, folder));
  return found.sort();
}

export function readSource(path: string): string {
  return Deno.readTextFileSync(join(repository, path));
}

/** Every file of the repository that git does not ignore. */
export function repositoryFiles(): string[] {
  const ignored = readSource(".gitignore").split("\n").filter((line) => line.startsWith("/"));
  const files: string[] = [], folders: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(repository)) {
    if (name === ".git" || ignored.includes(`/${name}/`)) continue;
    (isDirectory ? folders : files).push(name);
  }
  return [...files, ...sourceFiles(folders, "")].sort();
}
