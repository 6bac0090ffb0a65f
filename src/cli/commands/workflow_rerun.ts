/** `nerve workflow rerun RUN`: starts a new run with the input of an earlier one, no matter how that one ended. */
import type { CliIo } from "../io.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { followStart } from "./workflow_trigger.ts";

interface Flags {
  readonly id?: string | undefined;
  readonly wait: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowRerun(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  // The daemon copies the input, because what it shows has secrets masked.
  const { workflow } = await client.run(runId, false);
  const request = { rerunOf: runId, ...(flags.id === undefined ? {} : { runId: flags.id }) };
  return await followStart(io, client, flags, await client.startRun(workflow, request));
}
