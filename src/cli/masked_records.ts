/**
 * Records with the values of granted variables taken out (config/secrets.ts). Runs resume from what is on disk, so that
 * it is there as it was: it is masked when it is shown, as far as this command has the variables that hold the secrets.
 * All other rows were masked when they were written.
 */
import { parseNerveConfig } from "../config/parse.ts";
import { SecretMask } from "../config/secrets.ts";
import { configFileName, type WorkspacePaths } from "../config/workspace.ts";
import type { CliRecords } from "./records.ts";

export function maskedRecords(paths: WorkspacePaths, records: CliRecords): CliRecords {
  const secrets = maskOf(paths);
  return {
    runs: (query) => secrets.in(records.runs(query)),
    run: (runId) => secrets.in(records.run(runId)),
    messages: (runId, query) => secrets.in(records.messages(runId, query)),
    logs: (filter) => secrets.in(records.logs(filter)),
    allLogs: (filter) => secrets.in(records.allLogs(filter)),
    [Symbol.dispose]: () => records[Symbol.dispose](),
  };
}

function maskOf(paths: WorkspacePaths): SecretMask {
  try {
    const parsed = parseNerveConfig(Deno.readTextFileSync(paths.configFile), configFileName);
    return parsed.ok ? SecretMask.of(parsed.value.config, Deno.env.toObject()) : new SecretMask({});
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return new SecretMask({});
    throw thrown;
  }
}
