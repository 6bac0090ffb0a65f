/**
 * What a daemon that knows no such sense or workflow cannot say: that its folder is there all the same. Used by the
 * commands that trigger one.
 */
import { NerveError } from "../../base/errors.ts";
import { isMissing } from "../../base/if_present.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { readConfigFile } from "../workspace.ts";

/** As `ask`; SENSE_UNKNOWN and WORKFLOW_UNKNOWN tell why a folder that is there is not known. */
export async function explainUnknownUnit<T>(
  paths: WorkspacePaths,
  section: "senses" | "workflows",
  name: string,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    const unknown = section === "senses" ? "SENSE_UNKNOWN" : "WORKFLOW_UNKNOWN";
    if (!(thrown instanceof NerveError) || thrown.code !== unknown) throw thrown;
    const entry = section === "senses" ? paths.senseEntry(name) : paths.workflowEntry(name);
    const parsed = await isThere(entry) ? await readConfigFile(paths) : null;
    // What a nerve.yaml names that has errors, nobody knows.
    if (parsed === null || !parsed.ok) throw thrown;
    const [why, hint] = parsed.value.config[section].has(name) ? ["the daemon has not taken it up", "nerve reload"] : [
      "nerve.yaml does not name it",
      `add "${name}: {}" under ${section} in nerve.yaml; nerve validate tells the rest`,
    ];
    throw new NerveError(thrown.code, `${thrown.message}: ${section}/${name}/ is there, but ${why}`, {
      hint,
      cause: thrown,
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}
