/**
 * `nerve events`: a page of the log's rows from the database, newest last; with --archived, archived rows too. With -f
 * it follows with the daemon's event stream, from the last row of the page, so that no row is missing or repeated.
 */
import { NerveError } from "../../base/errors.ts";
import { hintNearest } from "../../base/did_you_mean.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { isLogSource, sourceForms } from "../../protocol/log_source.ts";
import { toNextRow } from "../../protocol/queries.ts";
import { followRows, formatGap } from "../follow_rows.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecords, openRecordsOrEmpty, printNothingYet } from "../open_records.ts";
import { clip, dim, formatDateTime, plural, preview, print, sign, toJsonLine } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly follow: boolean;
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly ref?: string | undefined;
  readonly since?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
  readonly archived: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const defaultLimit = { page: 50, follow: 10 } as const;

export async function events(io: CliIo, flags: Flags): Promise<number> {
  await requireType(flags.type);
  requireSource(flags.source);
  const paths = await openWorkspace(io, flags.workspace);
  if (flags.follow) return await follow(io, flags, paths);
  using records = openRecordsOrEmpty(paths);
  const limit = flags.limit ?? defaultLimit.page;
  const beforeId: LogFilter = flags.before === undefined ? {} : { beforeId: flags.before };
  const { rows, more } = readPage(records, { ...createFilter(io, flags), ...beforeId }, limit, flags.archived);
  for (const row of rows) {
    if (io.stdout.gone.aborted) break;
    printRow(io, flags, row);
  }
  if (flags.json) return exit.ok;
  print(io, dim(io, plural(rows.length, "row")));
  printNothingYet(io, records);
  if (more) print(io, dim(io, `earlier: nerve events --before ${rows[0]?.id}${formatFilter(flags)}`));
  return exit.ok;
}

async function follow(io: CliIo, flags: Flags, paths: WorkspacePaths): Promise<number> {
  if (flags.archived) {
    throw new NerveError("USAGE", "--archived and --follow cannot be combined", { hint: "nerve events --archived" });
  }
  if (flags.before !== undefined) {
    throw new NerveError("USAGE", "--before and --follow cannot be combined", { hint: "nerve events --follow" });
  }
  using client = await connect(paths);
  // Fails at once when no daemon answers. Rows printed before that would look like a silent daemon.
  await client.health();
  const position = printLast(io, flags, paths);
  await followRows(io, client, { filter: createFilter(io, flags), afterId: position }, (item) => {
    if (item.kind === "row") printRow(io, flags, item.row);
    else if (flags.json) print(io, toJsonLine(item.gap));
    else print(io, `${sign.warning} ${formatGap(item.gap)}`);
  });
  return exit.ok;
}

/** Prints the newest rows and returns the id after which the stream starts. */
function printLast(io: CliIo, flags: Flags, paths: WorkspacePaths): number {
  using records = openRecords(paths);
  const newest = records?.logs({ order: "desc", limit: 1 })[0]?.id ?? 0;
  if (records === null) return newest;
  const filter = { ...createFilter(io, flags), beforeId: newest + 1 };
  for (const row of readPage(records, filter, flags.limit ?? defaultLimit.follow).rows) printRow(io, flags, row);
  return newest;
}

/** The newest `limit` rows, oldest first, and whether there are earlier ones. */
function readPage(
  records: CliRecords,
  filter: LogFilter,
  limit: number,
  archived = false,
): { rows: LogRow[]; more: boolean } {
  const wanted: LogFilter = { ...filter, order: "desc", limit };
  const read = (query: LogFilter) => archived ? records.allLogs(query) : records.logs(query);
  const rows = read(wanted), nextRow = toNextRow(wanted, rows);
  return { rows: rows.toReversed(), more: nextRow !== null && read(nextRow).length > 0 };
}

function createFilter(io: CliIo, { source, type, ref, since }: Flags): LogFilter {
  return {
    ...(source === undefined ? {} : { source }),
    ...(type === undefined ? {} : { type }),
    ...(ref === undefined ? {} : { refId: ref }),
    ...(since === undefined ? {} : { sinceMs: io.clock.now() - since }),
  };
}

/** A type that no row can have would show nothing, without a reason. */
async function requireType(type: string | undefined): Promise<void> {
  if (type === undefined) return;
  const { logTypes } = await import("../../protocol/log.ts"), known: readonly string[] = logTypes;
  if (known.includes(type)) return;
  throw new NerveError("USAGE", `no row has the type "${type}"`, {
    hint: hintNearest(type, known) ?? `there are: ${known.join(", ")}`,
  });
}

/** The same for a source. Any name is accepted: rows of senses and workflows that were removed stay in the log. */
function requireSource(source: string | undefined): void {
  if (source === undefined || isLogSource(source)) return;
  throw new NerveError("USAGE", `no row has the source "${source}"`, {
    hint: `use ${sourceForms}`,
  });
}

function printRow(io: CliIo, flags: Flags, row: LogRow): void {
  if (flags.json) return print(io, toJsonLine(row));
  const ref = row.refId === null || row.source.endsWith(`:${row.refId}`) ? "" : ` ${clip(row.refId, 128)}`;
  const cause = row.causeId === null ? "" : dim(io, ` (of ${row.causeId})`);
  const head = `${row.id} ${dim(io, formatDateTime(row.ts))} ${row.type} ${clip(row.source, 128)}${ref}${cause}`;
  print(io, `${head} ${preview(row.payload, 120)}`);
}

function formatFilter(flags: Flags): string {
  const parts: string[] = [];
  for (const key of ["source", "type", "ref", "limit"] as const) {
    if (flags[key] !== undefined) parts.push(` --${key} ${flags[key]}`);
  }
  return parts.join("") + (flags.archived ? " --archived" : "");
}
