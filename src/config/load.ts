/**
 * Loads a workspace's configuration from disk, with every check that needs no user code. The single entry point for
 * `nerve run`, the reload and `nerve validate`.
 */
import { messageOf } from "../base/errors.ts";
import { configFileMaxBytes } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { toFilePath } from "../base/file_url.ts";
import { resolveOwnFile } from "../base/self_exec.ts";
import { checkEnvironment } from "./check_environment.ts";
import { checkFolders } from "./check_folders.ts";
import { checkWatches } from "./check_watches.ts";
import { type Diagnostic, hasErrors, refusesFile, sortDiagnostics } from "./diagnostic.ts";
import { keepValidEntries } from "./error_recovery.ts";
import { type ParsedConfig, readNerveConfig } from "./parse.ts";
import { checkGrants } from "./permissions/check_grants.ts";
import type { GrantContext } from "./permissions/grants.ts";
import { checkOwners } from "./trust.ts";
import type { NerveConfig } from "./types.ts";
import { configFileName, type WorkspacePaths } from "./workspace.ts";

/** What grants depend on in this installation: nerve's own modules, which every worker loads, and the home folder. */
export const grantContext: GrantContext = {
  nerveModules: [toFilePath(resolveOwnFile(""))],
  home: Deno.env.get("HOME") ?? null,
};

/**
 * Reads and checks nerve.yaml. The error contains every diagnostic, including warnings; on success they are in
 * `warnings`, with the errors that hold only a sense or workflow.
 */
export async function loadNerveConfig(
  paths: WorkspacePaths,
  context: GrantContext = grantContext,
): Promise<Result<ParsedConfig, Diagnostic[]>> {
  const { diagnostics, parsed } = await inspectNerveConfig(paths, context);
  return parsed === null ? err([...diagnostics]) : ok(parsed);
}

export interface InspectedConfig {
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** Null when an error keeps the file from being used. */
  readonly parsed: ParsedConfig | null;
  /** The part that may be loaded into sandboxes for further checks: with errors, only the entries without one. */
  readonly valid: NerveConfig | null;
}

/** Like `loadNerveConfig`, but also returns the valid part of an invalid configuration. */
export async function inspectNerveConfig(
  paths: WorkspacePaths,
  context: GrantContext = grantContext,
): Promise<InspectedConfig> {
  const text = await readConfigFile(paths);
  if (!text.ok) return { diagnostics: [text.error], parsed: null, valid: null };
  const { diagnostics: found, parsed, misleads } = readNerveConfig(text.value, configFileName);
  if (parsed === null) return { diagnostics: found, parsed, valid: null };
  if (parsed.blank) return { diagnostics: [blankFile], parsed: null, valid: null };
  const more = [
    ...await checkFolders(parsed, paths),
    ...checkOwners(parsed, paths),
    ...await checkGrants(parsed, paths, context),
    ...checkEnvironment(parsed, paths),
    ...checkWatches(parsed, paths, context),
  ];
  const diagnostics = sortDiagnostics([...found, ...more.filter((diagnostic) => !misleads(diagnostic))]);
  const config = { ...parsed.config, faults: toFaults(diagnostics) };
  const valid = hasErrors(diagnostics) ? keepValidEntries(parsed.config, diagnostics) : config;
  return refusesFile(diagnostics)
    ? { diagnostics, parsed: null, valid }
    : { diagnostics, parsed: { ...parsed, config, warnings: diagnostics }, valid };
}

/** Maps errors on disk to the units that they hold: a unit could otherwise stop all others with a link of its own. */
function toFaults(diagnostics: readonly Diagnostic[]): Map<string, string> {
  return new Map(
    diagnostics.filter(({ holds }) => holds === true).reverse().map(({ path, message, hint }) => {
      const [, section, name = ""] = /^(sense|workflow)s\.([^.[]+)/.exec(path) ?? [];
      return [`${section}:${name}`, hint === null ? message : `${message} (${hint})`];
    }),
  );
}

/** An editor empties a file before it writes it: applying the empty file would end every waiting run. */
const blankFile: Diagnostic = {
  severity: "error",
  path: "",
  message: "is empty; perhaps an editor is saving it",
  hint: "write {} if nothing should run",
  place: { file: configFileName, line: 1, column: 1 },
};

async function readConfigFile(paths: WorkspacePaths): Promise<Result<string, Diagnostic>> {
  const refuse = (message: string, hint: string | null = null) => {
    const place = { file: configFileName, line: 1, column: 1 };
    return err<Diagnostic>({ severity: "error", path: "", message, hint, place });
  };
  try {
    const { size, isFile } = await Deno.stat(paths.configFile);
    if (!isFile) return refuse("is not a file");
    if (size > configFileMaxBytes) return refuse(`is larger than ${configFileMaxBytes} bytes`);
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(paths.configFile)));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return refuse("does not exist", "nerve init");
    if (thrown instanceof TypeError) return refuse("is not UTF-8 text");
    return refuse(`cannot be read: ${messageOf(thrown)}`);
  }
}
