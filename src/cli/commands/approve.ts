/**
 * `nerve approve ID` and `nerve reject ID`: decide a run's request, in the running daemon. The decision contains the
 * digest of the request, so that it applies to what `nerve approvals ID` shows.
 */
import { resolve } from "node:path";
import { messageOf, NerveError } from "../../base/errors.ts";
import { toSignedText } from "../../protocol/approval.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty } from "../open_records.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";
import { signText } from "../sign.ts";
import { findApproval, readSupplied, requireOption } from "./approvals.ts";

interface Flags {
  readonly option?: string | undefined;
  readonly content?: string | undefined;
  readonly meta?: string | undefined;
  readonly comment?: string | undefined;
  readonly digest?: string | undefined;
  readonly token?: string | undefined;
  readonly key?: string | undefined;
  /** The file of a signature that was made elsewhere. */
  readonly signature?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export function approve(io: CliIo, flags: Flags, id: string): Promise<number> {
  return decide(io, flags, id, flags.option ?? "approve");
}

export function reject(io: CliIo, flags: Omit<Flags, "option" | "content" | "meta">, id: string): Promise<number> {
  return decide(io, flags, id, "reject");
}

async function decide(io: CliIo, flags: Flags, id: string, option: string): Promise<number> {
  const supplied = readSupplied(flags), paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  using records = openRecordsOrEmpty(paths);
  const asked = findApproval(records, id), by = io.env.USER ?? io.env.LOGNAME;
  const decision = {
    option: requireOption(asked, option),
    digest: flags.digest ?? asked.digest,
    ...(flags.comment === undefined ? {} : { comment: flags.comment }),
    ...supplied,
  };
  const signature = await findSignature(io, flags, toSignedText({ id: asked.id, digest: decision.digest }, decision));
  const reply = await client.decide(asked.id, {
    ...decision,
    token: flags.token ?? crypto.randomUUID(),
    ...(by === undefined || by === "" ? {} : { by }),
    ...(signature === null ? {} : { signature }),
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

/** Null when the decision is not signed. */
async function findSignature(io: CliIo, { key, signature }: Flags, text: string): Promise<string | null> {
  if (key !== undefined && signature !== undefined) {
    throw new NerveError("USAGE", "a decision has one signature", { hint: "give --key FILE or --signature FILE" });
  }
  if (key !== undefined) return await signText(io, key, text);
  if (signature === undefined) return null;
  try {
    return await Deno.readTextFile(resolve(io.cwd, signature));
  } catch (thrown) {
    throw new NerveError("USAGE", `${signature} cannot be read: ${messageOf(thrown)}`, { hint: "name the .sig file" });
  }
}
