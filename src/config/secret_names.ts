/** Reads `env NAME`, with which nerve.yaml names a secret. Used by hook_entries.ts and engine_entries.ts. */
import { hookSecretsMax } from "../base/hook_limits.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { ConfigPath } from "./diagnostic.ts";

/** The names of the variables. A message never shows the text: it may be the secret itself. */
export function readSecretNames(
  secret: string | readonly string[],
  path: ConfigPath,
  hint: string,
  diagnostics: DiagnosticList,
): string[] {
  const listed = typeof secret === "string" ? [secret] : secret;
  if (listed.length > hookSecretsMax) diagnostics.error(path, `has more than ${hookSecretsMax} secrets`);
  return listed.flatMap((each, index) => {
    const name = /^(?:env\s+)?([A-Z_][A-Z0-9_]*)$/i.exec(each.trim())?.[1];
    if (name !== undefined) return [name];
    diagnostics.error(typeof secret === "string" ? path : [...path, index], "must name a variable, as env NAME", hint);
    return [];
  });
}
