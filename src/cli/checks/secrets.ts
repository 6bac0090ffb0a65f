/** Checks whether git would commit the file of variables. The checks of nerve.yaml warn of its other problems. */
import { dirname } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { resolveEnvFile, showEnvFile } from "../../config/environment.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { readConfigFile } from "../workspace.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";

export const secretChecks: readonly Check[] = [checkSecrets];

/** Git reads files of the repository, and blocks forever if one is a pipe. */
const gitMaxMs = 5_000;
const gitHint = "git check-ignore .env in the workspace shows what it waits for; is .gitignore a file?";

async function checkSecrets(paths: WorkspacePaths): Promise<Finding[]> {
  const parsed = await readConfigFile(paths), file = parsed.ok ? resolveEnvFile(parsed.value.config, paths.root) : null;
  if (file === null || ifPresent(() => Deno.lstatSync(file)) === null) return [];
  const name = showEnvFile(file, paths.root), limit = AbortSignal.timeout(gitMaxMs);
  const git = async (...args: string[]): Promise<number> => {
    const command = new Deno.Command("git", {
      args: ["-C", dirname(file), ...args],
      stdout: "null",
      stderr: "null",
      signal: limit,
    });
    return (await command.output()).code;
  };
  try {
    if (await git("rev-parse", "--is-inside-work-tree") !== 0) return [];
    if (await git("ls-files", "--error-unmatch", "--", file) === 0) {
      const hint = `git rm --cached ${name}; write it into .gitignore; renew the secrets in it`;
      return [failed("secrets", `git keeps ${name}`, hint)];
    }
    const ignored = await git("check-ignore", "--quiet", "--", file);
    if (limit.aborted) return [warning("secrets", `unknown: git does not say whether it ignores ${name}`, gitHint)];
    return ignored === 0
      ? [passed("secrets", `git ignores ${name}`)]
      : [warning("secrets", `git does not ignore ${name}`, "write it into .gitignore")];
  } catch (thrown) {
    // Without git, nothing commits it.
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}
