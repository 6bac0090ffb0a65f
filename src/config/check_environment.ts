/**
 * Checks `env_file` of nerve.yaml, and that every variable that is granted by name, or holds a secret, is set
 * somewhere. Called by load.ts. A file in a forbidden place is an error. A missing or unusable one is a warning: units
 * that need none of its variables run all the same.
 */
import type { Diagnostic } from "./diagnostic.ts";
import { DiagnosticList } from "./diagnostic_list.ts";
import { findPlaceFault, findUnsetVariables, hintUnset, overOwn, readEnvFile, resolveEnvFile } from "./environment.ts";
import type { ParsedConfig } from "./parse.ts";
import type { WorkspacePaths } from "./workspace.ts";

export function checkEnvironment(parsed: ParsedConfig, paths: WorkspacePaths): Diagnostic[] {
  const diagnostics = new DiagnosticList(parsed.placeOf), { config } = parsed, at = ["env_file"];
  const path = resolveEnvFile(config, paths.root), misplaced = path === null ? null : findPlaceFault(path, paths);
  if (misplaced !== null) {
    diagnostics.error(at, misplaced, "put it beside nerve.yaml, as .env, or outside of the workspace");
    return diagnostics.sorted();
  }
  const found = readEnvFile(path, paths);
  if (found.kind === "unusable") diagnostics.warning(at, `${config.envFile} ${found.why}`, "its variables are not set");
  if (found.kind === "read") { for (const warning of found.warnings) diagnostics.warning(at, warning); }
  const { all } = overOwn(found.kind === "read" ? found.variables : {});
  for (const { variable, use, path: where } of findUnsetVariables(config, all)) {
    diagnostics.warning(where, `${variable} ${use}, and set nowhere`, hintUnset(config.envFile));
  }
  return diagnostics.sorted();
}
