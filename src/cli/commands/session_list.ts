/** `nerve session list` and `nerve session show ID`: agent sessions from the database, with or without a daemon. */
import { unknownSession } from "../../protocol/common_errors.ts";
import type { SessionRecord, SessionState } from "../../protocol/session.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, printNothingYet } from "../open_records.ts";
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
} from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

interface ListFlags extends Flags {
  readonly all: boolean;
  readonly run?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export async function sessionList(io: CliIo, flags: ListFlags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const { all, run, limit = 20, offset = 0 } = flags, now = io.clock.now();
  const page = records.sessions({ all, limit, offset, ...run !== undefined && { runId: run } });
  if (flags.json) {
    printJson(io, { ...page, offset });
    return exit.ok;
  }
  printTable(
    io,
    ["", "SESSION", "STATE", "AGENT", "NAME", "RUN", "CHANGED"],
    page.items.map(({ id, state, agent, name, runId, changed }) => [
      signs[state],
      id,
      state,
      agent,
      clip(name, 40),
      runId,
      formatDistance(changed, now),
    ]),
  );
  const next = ["nerve session list", ...all ? ["--all"] : [], ...run === undefined ? [] : [`--run ${run}`]].join(" ");
  printPage(io, {
    offset,
    shown: page.items.length,
    total: page.total,
    what: all ? "sessions" : "sessions that have not ended",
    next: `${next} --offset ${offset + page.items.length}${flags.limit === undefined ? "" : ` --limit ${limit}`}`,
  });
  printNothingYet(io, records);
  return exit.ok;
}

export async function sessionShow(io: CliIo, flags: Flags, id: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const session = requireSession(records, id), now = io.clock.now();
  if (flags.json) {
    printJson(io, session);
    return exit.ok;
  }
  const { state, agent, name, runId, workflow, cwd, conversation, recoveryAttempts, created, changed } = session;
  print(io, `${signs[state]} ${id}: ${state}`);
  const fields: [string, string][] = [
    ["agent", agent],
    ["name", clip(name, 100)],
    ["run", `${runId} of ${workflow}`],
    ["folder", cwd],
    ["begun", `${formatDateTime(created)} (${formatDistance(created, now)})`],
    ["changed", `${formatDateTime(changed)} (${formatDistance(changed, now)})`],
    ["agent's id", conversation === null ? "not known yet" : clip(conversation, 200)],
    ...(recoveryAttempts === 0 ? [] : [["lost", `${recoveryAttempts} times`]] as [string, string][]),
  ];
  for (const [key, value] of fields) print(io, `   ${dim(io, key.padEnd(10))} ${value}`);
  print(io, dim(io, `\nnext: nerve session log ${id}`));
  return exit.ok;
}

export function requireSession(records: CliRecords, id: string): SessionRecord {
  const session = records.session(id);
  if (session === null) throw unknownSession(id);
  return session;
}

const signs: Readonly<Record<SessionState, string>> = {
  CREATED: sign.next,
  READY: sign.live,
  BUSY: sign.live,
  ENDED: sign.idle,
  FAILED_NEEDS_HUMAN: sign.warning,
};
