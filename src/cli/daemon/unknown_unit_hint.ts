/**
 * Explains "unknown sense" and "unknown workflow" errors of the daemon when the folder exists nevertheless. Used by the
 * commands that trigger a sense or a workflow.
 */
import { NerveError } from "../../base/errors.ts";
import { isMissing } from "../../base/if_present.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { readConfigFile } from "../workspace.ts";

/**
 * Calls `ask`. If it throws SENSE_UNKNOWN or WORKFLOW_UNKNOWN, adds why the daemon does not know an existing folder.
 */
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
    const parsed = await isFile(entry) ? await readConfigFile(paths) : null;
    // A nerve.yaml with errors does not show which names it defines.
    if (parsed === null || !parsed.ok) throw thrown;
    const units = parsed.value.config[section], word = section === "senses" ? "sense" : "workflow";
    const users = [...units.values()].flatMap((unit) => unit.use === name ? [unit.name] : []);
    const [why, hint] = units.has(name)
      ? ["the daemon has not loaded it", "nerve reload"]
      : users.length > 0
      ? [`it is the code of ${users.join(", ")}`, `nerve ${word} trigger ${users[0]}`]
      : [
        "nerve.yaml does not name it",
        `add "${name}: {}" under ${section} in nerve.yaml; nerve validate shows what else is missing`,
      ];
    throw new NerveError(thrown.code, `${thrown.message}: ${section}/${name}/ exists, but ${why}`, {
      hint,
      cause: thrown,
    });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (isMissing(thrown)) return false;
    throw thrown;
  }
}
