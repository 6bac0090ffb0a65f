/** `nerve workflow fork RUN --from ROUND`: starts a new run with the input and the first messages of an earlier one. */
import { NerveError } from "../../base/errors.ts";
import type { CliIo } from "../io.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { followStart } from "./workflow_trigger.ts";

interface Flags {
  readonly from?: number | undefined;
  readonly id?: string | undefined;
  readonly wait: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowFork(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  if (flags.from === undefined) {
    throw new NerveError("USAGE", "--from ROUND is missing: the first round that is not taken over", {
      hint: `nerve workflow thread ${runId} shows the rounds`,
    });
  }
  using client = await connect(paths);
  // The daemon copies input and messages: what it shows has secrets masked.
  const { workflow } = await client.run(runId, false), id = flags.id === undefined ? {} : { runId: flags.id };
  const started = await client.startRun(workflow, { rerunOf: runId, fromRound: flags.from, ...id });
  return await followStart(io, client, flags, started);
}
