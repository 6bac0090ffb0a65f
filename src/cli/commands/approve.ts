/**
 * `nerve approve ID` and `nerve reject ID`: decide what a run has asked, in the running daemon. The decision names the
 * digest of the request, so that it is about what `nerve approvals ID` shows.
 */
import { NerveError } from "../../base/errors.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty } from "../open_records.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { findApproval } from "./approvals.ts";

interface Flags {
  readonly option?: string | undefined;
  readonly comment?: string | undefined;
  readonly digest?: string | undefined;
  readonly token?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export function approve(io: CliIo, flags: Flags, id: string): Promise<number> {
  return decide(io, flags, id, flags.option ?? "approve");
}

export function reject(io: CliIo, flags: Omit<Flags, "option">, id: string): Promise<number> {
  return decide(io, flags, id, "reject");
}

async function decide(io: CliIo, flags: Flags, id: string, option: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  using records = openRecordsOrEmpty(paths);
  const asked = findApproval(records, id), by = io.env.USER ?? io.env.LOGNAME;
  if (!asked.options.includes(option)) {
    throw new NerveError("USAGE", `"${option}" is no option of request ${asked.id}`, {
      hint: `nerve approve ${asked.id} --option OPTION; there are: ${asked.options.join(", ")}`,
    });
  }
  const reply = await client.decide(asked.id, {
    option,
    digest: flags.digest ?? asked.digest,
    token: flags.token ?? crypto.randomUUID(),
    ...(by === undefined || by === "" ? {} : { by }),
    ...(flags.comment === undefined ? {} : { comment: flags.comment }),
  });
  if (flags.json) printJson(io, reply);
  else {
    const { approval, replayed } = reply;
    const how = replayed ? "was decided so before" : "is decided";
    print(io, `${sign.signal} request ${approval.id} ${how}: ${approval.decision}`);
    print(io, `   ${approval.title}`);
    print(io, `${sign.next} nerve workflow inspect ${approval.runId}`);
  }
  return exit.ok;
}
