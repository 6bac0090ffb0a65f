/** `nerve workflow pause RUN` and `nerve workflow resume RUN`: pause and resume a run in the running daemon. */
import type { Run } from "../../protocol/run.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, print, printJson, runSign, toReasonText } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowPause(
  io: CliIo,
  flags: Flags & { readonly reason?: string | undefined },
  runId: string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  return tell(io, flags, await client.pauseRun(runId, flags.reason === undefined ? {} : { reason: flags.reason }));
}

export async function workflowResume(
  io: CliIo,
  flags: Flags & { readonly acceptCode: boolean },
  runId: string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  return tell(io, flags, await client.resumeRun(runId, flags.acceptCode));
}

function tell(io: CliIo, { json }: Flags, run: Run): number {
  const why = run.reason === null ? "" : `: ${clip(toReasonText(run), 300)}`;
  if (json) printJson(io, run);
  else print(io, `${runSign[run.status]} ${run.runId} of ${run.workflow}: ${run.status}${why}`);
  return exit.ok;
}
