/**
 * A workspace's configuration from the disk, with every check that needs no user code. The one way in for `nerve run`,
 * the reload and `nerve validate`.
 */
import { fileURLToPath } from "node:url";
import { configFileMaxBytes } from "../base/limits.ts";
import { messageOf } from "../base/errors.ts";
import { err, ok, type Result } from "../base/result.ts";
import { checkFolders } from "./check_folders.ts";
import { checkGrants } from "./check_grants.ts";
import { type ParsedConfig, parseNerveConfig } from "./parse.ts";
import type { GrantContext } from "./permissions.ts";
import { hasErrors, type Problem, sortProblems } from "./problem.ts";
import { configFileName, type WorkspacePaths } from "./workspace.ts";

/** The grants' surroundings on this machine: nerve's own modules, which every worker must load, and what `~` is. */
export const grantContext: GrantContext = {
  nerveModules: [fileURLToPath(new URL("../", import.meta.url))],
  home: Deno.env.get("HOME") ?? null,
};

/**
 * Reads and checks nerve.yaml. The error holds every problem, warnings included; on success they are in `warnings`.
 */
export async function loadNerveConfig(
  paths: WorkspacePaths,
  context: GrantContext = grantContext,
): Promise<Result<ParsedConfig, Problem[]>> {
  const text = await readConfigFile(paths);
  if (!text.ok) return err([text.error]);
  const parsed = parseNerveConfig(text.value, configFileName);
  if (!parsed.ok) return parsed;
  const more = [...await checkFolders(parsed.value, paths), ...await checkGrants(parsed.value, paths, context)];
  const problems = sortProblems([...parsed.value.warnings, ...more]);
  return hasErrors(problems) ? err(problems) : ok({ ...parsed.value, warnings: problems });
}

async function readConfigFile(paths: WorkspacePaths): Promise<Result<string, Problem>> {
  const refuse = (message: string, hint: string | null = null) => {
    const place = { file: configFileName, line: 1, column: 1 };
    return err<Problem>({ severity: "error", path: "", message, hint, place });
  };
  try {
    const { size, isFile } = await Deno.stat(paths.configFile);
    if (!isFile) return refuse("is not a file");
    if (size > configFileMaxBytes) return refuse(`is larger than ${configFileMaxBytes} bytes`);
    return ok(new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(paths.configFile)));
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return refuse("is not there", "nerve init");
    if (thrown instanceof TypeError) return refuse("is not UTF-8 text");
    return refuse(`cannot be read: ${messageOf(thrown)}`);
  }
}
