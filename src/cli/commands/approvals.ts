/**
 * `nerve approvals`: lists what waits for a decision. `nerve approvals ID`: shows one request with everything that is
 * decided on. Reads the database, with or without a daemon. If `ID` is a run, its open request is meant.
 */
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { type Approval, type ApprovalSummary, toSignedText } from "../../protocol/approval.ts";
import { isPlainObject, type JsonObject } from "../../protocol/json.ts";
import { unknownApproval } from "../../protocol/common_errors.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, printNothingYet } from "../open_records.ts";
import { describeDeciders } from "../render/deciders.ts";
import {
  clip,
  dim,
  formatDateTime,
  formatDistance,
  print,
  printJson,
  printPage,
  printTable,
  sign,
  toPrintableLines,
} from "../render/terminal.ts";
import { openWorkspace, readApprovers } from "../workspace.ts";
import { parseJsonFlag } from "./workflow_trigger.ts";

interface Flags {
  readonly all: boolean;
  /** The option for which to print the text to sign. */
  readonly toSign?: string | undefined;
  readonly comment?: string | undefined;
  readonly content?: string | undefined;
  readonly meta?: string | undefined;
  readonly run?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function approvals(io: CliIo, flags: Flags, id?: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const { toSign, comment = "" } = flags;
  if (id === undefined && toSign !== undefined) {
    throw new NerveError("USAGE", "--to-sign needs the request", { hint: "nerve approvals ID --to-sign OPTION" });
  }
  if (id === undefined) listRequests(io, flags, records);
  else {
    const approval = findApproval(records, id);
    // The exact bytes for ssh-keygen: nothing is made printable.
    if (toSign !== undefined) {
      const decision = { option: requireOption(approval, toSign), comment, ...readSupplied(flags) };
      io.stdout.write(toSignedText(approval, decision));
    } else if (flags.json) printJson(io, approval);
    else printApproval(io, approval, describeDeciders(approval, await readApprovers(paths)));
  }
  return exit.ok;
}

/** The message that a decision supplies for a role that is already done. */
export function readSupplied({ content, meta }: Pick<Flags, "content" | "meta">): {
  readonly content?: string;
  readonly meta?: JsonObject;
} {
  const value = meta === undefined ? undefined : parseJsonFlag("--meta", meta);
  if (value !== undefined && !isPlainObject(value)) {
    throw new NerveError("USAGE", "--meta is not a JSON object", { hint: `such as --meta '{"id":"a1"}'` });
  }
  return {
    ...(content === undefined ? {} : { content }),
    ...(value === undefined ? {} : { meta: value as JsonObject }),
  };
}

/** The request with this id; for the id of a run, its open request. */
export function findApproval(records: CliRecords, id: string): Approval {
  const approval = records.approval(id);
  if (approval !== null) return approval;
  const run = records.run(id), asked = run === null ? null : records.approvalAt(id, run.rounds + 1);
  if (asked !== null) return asked;
  if (run === null) throw unknownApproval(id);
  throw new NerveError("APPROVAL_UNKNOWN", `run ${id} waits for no decision: it is ${run.status}`, {
    hint: `nerve approvals --all --run ${id} shows what it asked before`,
  });
}

/** Returns the option; throws unless the request has it. */
export function requireOption({ id, options }: Approval, option: string): string {
  if (options.includes(option)) return option;
  throw new NerveError("USAGE", `"${option}" is not an option of request ${id}`, {
    hint: `nerve approve ${id} --option OPTION; there are: ${options.join(", ")}`,
  });
}

function listRequests(io: CliIo, flags: Flags, records: CliRecords): void {
  const { all, run, limit = 20, offset = 0 } = flags, now = io.clock.now();
  const page = records.approvals({ all, limit, offset, ...(run === undefined ? {} : { runId: run }) });
  if (flags.json) return printJson(io, { ...page, offset });
  if (page.items.length > 0) {
    printTable(
      io,
      ["", "REQUEST", "WORKFLOW", "STATE", "SINCE", "EXPIRES", "ASKS"],
      page.items.map((each) => [
        signOf(each),
        each.id,
        each.workflow,
        stateOf(each),
        formatDistance(each.created, now),
        each.expires === null || !each.open ? "-" : formatDistance(each.expires, now),
        clip(each.title, 60),
      ]),
    );
  }
  const next = ["nerve approvals", ...all ? ["--all"] : [], ...run === undefined ? [] : [`--run ${run}`]].join(" ");
  printPage(io, {
    offset,
    shown: page.items.length,
    total: page.total,
    what: all ? "requests" : "requests for a decision",
    next: `${next} --offset ${offset + page.items.length}${flags.limit === undefined ? "" : ` --limit ${limit}`}`,
  });
  printNothingYet(io, records);
}

function signOf({ open, state }: ApprovalSummary): string {
  if (open) return sign.next;
  return state === "approved" ? "✅" : state === "pending" ? sign.idle : sign.failed;
}

/** A request whose run has ended stays pending forever. */
function stateOf({ open, state, decision }: ApprovalSummary): string {
  if (state === "pending") return open ? "open" : "run ended";
  return state === "decided" || state === "expired" ? `${state}: ${decision}` : state;
}

export function printApproval(io: CliIo, approval: Approval, deciders: string | null): void {
  const { id, runId, workflow, round, role, title, body, options, digest, expires, onExpiry, created, open } = approval;
  print(io, `${signOf(approval)} ${toPrintable(title)}`);
  const fields: [string, string][] = [
    ["request", id],
    ["run", `${runId} of ${workflow}, round ${round}, role ${clip(role, 100)}`],
    ["state", stateOf(approval)],
    ["options", options.join(", ")],
    ...(open ? [["decides", deciders ?? "anyone who may use the daemon"]] as [string, string][] : []),
    ["asked", `${formatDateTime(created)} (${formatDistance(created, io.clock.now())})`],
    ["expires", expires === null ? "never" : `${formatDateTime(expires)}, then ${onExpiry}`],
    ["digest", digest],
    ...decisionFields(approval),
  ];
  for (const [name, value] of fields) print(io, `   ${dim(io, name.padEnd(8))} ${value}`);
  if (body !== "") print(io, `\n${toPrintableLines(body)}`);
  if (!open) return;
  const reject = options.includes("reject") && deciders === null ? `, nerve reject ${id}` : "";
  const option = options.includes("approve") ? "" : " --option OPTION", key = deciders === null ? "" : " --key FILE";
  print(io, dim(io, `\nnext: nerve approve ${id}${option}${key}${reject}`));
}

function decisionFields({ decision, by, how, key, comment, decided }: Approval): [string, string][] {
  if (decision === null) return [];
  const who = how === "expiry" ? "nobody in time" : toPrintable(by ?? "a person");
  const when = decided === null ? "" : `, ${formatDateTime(decided)}`;
  return [
    ["decision", `${decision}, by ${who}${when}`],
    ...(key === null ? [] : [["signed", `with the key ${key}`]]),
    ...(comment === null ? [] : [["comment", clip(comment, 2_000)]]),
  ] as [
    string,
    string,
  ][];
}
