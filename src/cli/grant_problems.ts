/** Finds and prints the problems of grants, for `nerve permissions` and its subcommands. */
import type { Diagnostic } from "../config/diagnostic.ts";
import { grantContext } from "../config/load.ts";
import { checkGrants } from "../config/permissions/check_grants.ts";
import type { ParsedConfig } from "../config/parse.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { toPrintable } from "../base/printable.ts";
import type { CliIo } from "./io.ts";
import { print, sign } from "./render/terminal.ts";

export interface GrantProblem {
  readonly kind: "sense" | "workflow";
  readonly name: string;
  readonly severity: Diagnostic["severity"];
  readonly message: string;
}

/** Finds what `nerve validate` finds: grants that are refused, and grants that open the sandbox. */
export async function findGrantProblems(parsed: ParsedConfig, paths: WorkspacePaths): Promise<GrantProblem[]> {
  const found = [...parsed.warnings, ...await checkGrants(parsed, paths, grantContext)];
  return found.flatMap(({ path, severity, message }) => {
    const [, section, name = ""] = /^(senses|workflows)\.([^.[]+)\.permissions\b/.exec(path) ?? [];
    return section === undefined
      ? []
      : [{ kind: section === "senses" ? "sense" as const : "workflow" as const, name, severity, message }];
  });
}

export function refusesGrant(problems: readonly GrantProblem[]): boolean {
  return problems.some(({ severity }) => severity === "error");
}

/** `about`: whether to name the sense or workflow of each problem. */
export function printGrantProblems(io: CliIo, problems: readonly GrantProblem[], about: boolean): void {
  for (const { kind, name, severity, message } of problems) {
    const whose = about ? `${kind} ${name}: ` : "";
    print(io, `  ${severity === "error" ? sign.failed : sign.warning} ${toPrintable(`${whose}${message}`)}`);
  }
}
