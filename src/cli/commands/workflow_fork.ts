/** `nerve workflow fork RUN --from ROUND`: starts a new run with the input and the first messages of an earlier one. */
import { NerveError } from "../../base/errors.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { CliIo } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty } from "../open_records.ts";
import { clip, sign } from "../render/terminal.ts";
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
  // The daemon copies input and messages, because what it shows has secrets masked.
  const { workflow } = await client.run(runId, false), id = flags.id === undefined ? {} : { runId: flags.id };
  const started = await client.startRun(workflow, { rerunOf: runId, fromRound: flags.from, ...id });
  warnOfSecondTimes(io, openRecordsOrEmpty(paths), runId, flags.from);
  return await followStart(io, client, flags, started);
}

/** A role that runs once does so in each run: it begins again in the new one. */
function warnOfSecondTimes(io: CliIo, opened: CliRecords, runId: string, from: number): void {
  using records = opened;
  const begun = records.logs({ refId: runId, type: "run.role_begun", order: "asc", limit: 1_000 });
  const again = new Map(begun.map(({ payload }) => isPlainObject(payload) ? [payload.round, payload.role] : [0, ""]));
  for (const [round, role] of again) {
    if (Number(round) < from) continue;
    const what = `role ${clip(String(role), 100)}, which runs once, began in round ${round} of run ${runId}`;
    io.stderr.write(`${sign.warning} ${what}: it may begin again in this one\n`);
  }
}
