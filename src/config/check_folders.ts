/** Compares nerve.yaml with the folders of senses and workflows. Called by load.ts; reads names, not contents. */
import { join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import { namePattern } from "../base/name_pattern.ts";
import { type Diagnostic, quote } from "./diagnostic.ts";
import { DiagnosticList } from "./diagnostic_list.ts";
import { findNearest } from "../base/did_you_mean.ts";
import type { ParsedConfig } from "./parse.ts";
import type { WorkspacePaths } from "./workspace.ts";

/** A configured name without `index.ts` is an error; an unconfigured folder with one is a warning. */
export async function checkFolders(parsed: ParsedConfig, paths: WorkspacePaths): Promise<Diagnostic[]> {
  const diagnostics = new DiagnosticList(parsed.placeOf);
  const sections = [
    ["senses", "sense", paths.senses, parsed.config.senses],
    ["workflows", "workflow", paths.workflows, parsed.config.workflows],
  ] as const;
  for (const [section, word, folder, configured] of sections) {
    const found = await listFoldersWithEntry(folder);
    const used = new Set([...configured.values()].map(({ use }) => use));
    const unused = found.filter((name) => !used.has(name));
    for (const { name, use } of configured.values()) {
      // build.ts has reported an invalid name already, and no command makes such a folder.
      if (found.includes(use) || !namePattern.test(use)) continue;
      const path = use === name ? [section, name] : [section, name, "use"];
      diagnostics.error(path, `there is no ${section}/${use}/index.ts`, () => {
        const near = findNearest(use, use === name ? unused : found);
        if (near !== null) return `did you mean "${near}"?`;
        return `one of the library: nerve ${word} add ${use}; one of your own: nerve init ${word} ${use}`;
      });
    }
    for (const name of unused) {
      diagnostics.warning(
        [section],
        `${section}/${name}/ is not configured`,
        `add ${quote(name)} under ${section}, or an entry with use: ${name}, or remove it`,
      );
    }
  }
  return diagnostics.sorted();
}

/** The sorted names of the folders in `folder` that contain an index.ts; none when `folder` does not exist. */
async function listFoldersWithEntry(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      // Follows symbolic links, as the module loader does.
      if (await isFile(join(folder, entry.name, "index.ts"))) names.push(entry.name);
    }
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
  return names.sort();
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}
