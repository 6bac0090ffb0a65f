/**
 * `nerve workflow kill RUN`: ends a run in the daemon for good. A run that has already ended is an error, exit code 1.
 */
import { type CliIo, exit } from "../io.ts";
import { clip, plural, print, printJson, runSign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly reason?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowKill(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const run = await client.killRun(runId, flags.reason === undefined ? {} : { reason: flags.reason });
  if (flags.json) printJson(io, run);
  else {
    const how = `${runSign[run.status]} ${run.runId} of ${run.workflow}: ${run.status}`;
    print(io, `${how} after ${plural(run.rounds, "round")}, exit code ${run.exitCode}: ${clip(run.reason ?? "", 300)}`);
  }
  return exit.ok;
}
