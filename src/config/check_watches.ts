/**
 * Checks watched paths: their form, that the sense may read them, that nerve does not write there. Called by load.ts.
 */
import { pathBelow, type PathPattern } from "../base/path_pattern.ts";
import { type ConfigPath, type Diagnostic, quote } from "./diagnostic.ts";
import { DiagnosticList } from "./diagnostic_list.ts";
import { findNearest } from "../base/did_you_mean.ts";
import type { ParsedConfig } from "./parse.ts";
import type { GrantContext } from "./permissions/grants.ts";
import { listOwnFolders, listReadable, parseWatched } from "./watched_paths.ts";
import type { WorkspacePaths } from "./workspace.ts";

export function checkWatches(parsed: ParsedConfig, paths: WorkspacePaths, { home }: GrantContext): Diagnostic[] {
  const diagnostics = new DiagnosticList(parsed.placeOf), { config, reflexPositions } = parsed;
  config.reflexes.forEach(({ sense: name, watch }, index) => {
    const sense = config.senses.get(name), at = ["reflexes", reflexPositions[index] ?? index, "watch"];
    // check.ts reports a sense that does not exist.
    const readable = sense === undefined ? null : listReadable(sense, paths, home);
    watch.forEach((text, position) => {
      const path = [...at, position], pattern = parseWatched(text, paths, home);
      if (!pattern.ok) {
        diagnostics.error(path, `${quote(text)} ${pattern.error}`, "write a path, or a glob: ./in/*.csv");
      } else if (!checkOwn(pattern.value, path, paths, diagnostics)) return;
      else if (readable !== null) checkReadable(pattern.value, name, readable, path, diagnostics);
    });
  });
  return diagnostics.sorted();
}

function checkOwn({ base, levels, text }: PathPattern, at: ConfigPath, paths: WorkspacePaths, found: DiagnosticList) {
  const inside = listOwnFolders(paths).some((own) =>
    pathBelow(own, base) !== null || (levels === Infinity && pathBelow(base, own) !== null)
  );
  if (inside) {
    found.error(at, `${quote(text)} covers what nerve itself writes`, "watch a folder that only others write");
  }
  return !inside;
}

function checkReadable(
  { base, text }: PathPattern,
  sense: string,
  readable: readonly string[],
  at: ConfigPath,
  diagnostics: DiagnosticList,
): void {
  if (readable.some((granted) => pathBelow(granted, base) !== null)) return;
  const near = () => findNearest(base, readable);
  diagnostics.error(at, `sense ${sense} may not read ${quote(text)}`, () => {
    const misspelt = near();
    return misspelt === null ? `add ${quote(base)} to read in its permissions` : `did you mean ${quote(misspelt)}?`;
  });
}
