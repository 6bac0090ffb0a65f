/**
 * `nerve events`: rows of the log from the database, a page at a time, the newest last; with --archived also those that
 * have left it for the archive. With -f it goes on with what
 * happens, over the daemon's event stream: from the row where the page ended, so that none is left out or doubled.
 */
import { NerveError } from "../../base/errors.ts";
import { hintNearest } from "../../config/did_you_mean.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
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
  await checkType(flags.type);
  checkSource(flags.source);
  const paths = await openWorkspace(io, flags.workspace);
  if (flags.follow) return await follow(io, flags, paths);
  using records = openRecordsOrEmpty(paths);
  const limit = flags.limit ?? defaultLimit.page;
  const { rows, more } = page(records, { ...filterOf(io, flags), ...before(flags.before) }, limit, flags.archived);
  for (const row of rows) {
    if (io.stdout.gone.aborted) break;
    printRow(io, flags, row);
  }
  if (flags.json) return exit.ok;
  print(io, dim(io, plural(rows.length, "row")));
  printNothingYet(io, records);
  if (more) print(io, dim(io, `earlier: nerve events --before ${rows[0]?.id}${given(flags)}`));
  return exit.ok;
}

async function follow(io: CliIo, flags: Flags, paths: WorkspacePaths): Promise<number> {
  if (flags.archived) {
    throw new NerveError("USAGE", "--archived looks back, --follow ahead", { hint: "nerve events --archived" });
  }
  if (flags.before !== undefined) {
    throw new NerveError("USAGE", "--before looks back, --follow ahead", { hint: "nerve events --follow" });
  }
  using client = await connect(paths);
  // Whether anybody is there comes first: rows without an end would look like a daemon that has nothing to say.
  await client.health();
  const position = printLast(io, flags, paths);
  // An abort that has happened already is told to no listener.
  if (io.stdout.gone.aborted) return exit.ok;
  const end = new AbortController(), leave = () => end.abort();
  const forget = io.onInterrupt(leave);
  io.stdout.gone.addEventListener("abort", leave, { once: true });
  try {
    for await (const item of client.events(filterOf(io, flags), position, end.signal)) {
      if (item.kind === "row") printRow(io, flags, item.row);
      else if (flags.json) print(io, toJsonLine(item.gap));
      else print(io, `${sign.warning} rows ${item.gap.afterId + 1} to ${item.gap.beforeId - 1} have been archived`);
    }
  } finally {
    forget();
    io.stdout.gone.removeEventListener("abort", leave);
  }
  if (end.signal.aborted) return exit.ok;
  throw new NerveError("DAEMON_MISSING", "The daemon has stopped", { hint: "nerve start" });
}

/** Prints the newest rows and returns the id after which the stream begins. */
function printLast(io: CliIo, flags: Flags, paths: WorkspacePaths): number {
  using records = openRecords(paths);
  const newest = records?.logs({ order: "desc", limit: 1 })[0]?.id ?? 0;
  if (records === null) return newest;
  const filter = { ...filterOf(io, flags), beforeId: newest + 1 };
  for (const row of page(records, filter, flags.limit ?? defaultLimit.follow).rows) printRow(io, flags, row);
  return newest;
}

/** The newest `limit` rows, oldest first, and whether there are earlier ones. */
function page(
  records: CliRecords,
  filter: LogFilter,
  limit: number,
  archived = false,
): { rows: LogRow[]; more: boolean } {
  const wanted: LogFilter = { ...filter, order: "desc", limit: limit + 1 };
  const found = archived ? records.allLogs(wanted) : records.logs(wanted);
  return { rows: found.slice(0, limit).reverse(), more: found.length > limit };
}

function filterOf(io: CliIo, { source, type, ref, since }: Flags): LogFilter {
  return {
    ...(source === undefined ? {} : { source }),
    ...(type === undefined ? {} : { type }),
    ...(ref === undefined ? {} : { refId: ref }),
    ...(since === undefined ? {} : { sinceMs: io.clock.now() - since }),
  };
}

function before(id: number | undefined): LogFilter {
  return id === undefined ? {} : { beforeId: id };
}

/** A type that no row can have would show nothing for ever. */
async function checkType(type: string | undefined): Promise<void> {
  if (type === undefined) return;
  const { logTypes } = await import("../../protocol/log.ts"), known: readonly string[] = logTypes;
  if (known.includes(type)) return;
  throw new NerveError("USAGE", `No row has the type "${type}"`, {
    hint: hintNearest(type, known) ?? `There are: ${known.join(", ")}`,
  });
}

/** Nor can a row come from there. The name is free: rows of what was taken out of nerve.yaml stay. */
function checkSource(source: string | undefined): void {
  if (source === undefined || source === "kernel" || /^(group|sense|workflow):./.test(source)) return;
  throw new NerveError("USAGE", `No row has the source "${source}"`, {
    hint: "write kernel, group:NAME, sense:NAME or workflow:NAME",
  });
}

function printRow(io: CliIo, flags: Flags, row: LogRow): void {
  if (flags.json) return print(io, toJsonLine(row));
  const ref = row.refId === null || row.source.endsWith(`:${row.refId}`) ? "" : ` ${clip(row.refId, 128)}`;
  const cause = row.causeId === null ? "" : dim(io, ` (of ${row.causeId})`);
  const head = `${row.id} ${dim(io, formatDateTime(row.ts))} ${row.type} ${clip(row.source, 128)}${ref}${cause}`;
  print(io, `${head} ${preview(row.payload, 120)}`);
}

function given(flags: Flags): string {
  const parts: string[] = [];
  for (const key of ["source", "type", "ref", "limit"] as const) {
    if (flags[key] !== undefined) parts.push(` --${key} ${flags[key]}`);
  }
  return parts.join("") + (flags.archived ? " --archived" : "");
}
