/** `nerve events`: rows of the log from the database, a page at a time, the newest last. */
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { type CliIo, exit } from "../io.ts";
import { dateTime, dim, preview, print, printable } from "../output.ts";
import { requireRecords } from "../records.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly ref?: string | undefined;
  readonly since?: number | undefined;
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function events(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = requireRecords(paths);
  const limit = flags.limit ?? 50;
  const filter: LogFilter = {
    ...(flags.source === undefined ? {} : { source: flags.source }),
    ...(flags.type === undefined ? {} : { type: flags.type }),
    ...(flags.ref === undefined ? {} : { refId: flags.ref }),
    ...(flags.since === undefined ? {} : { sinceMs: io.clock.now() - flags.since }),
    ...(flags.before === undefined ? {} : { beforeId: flags.before }),
    order: "desc",
    // One more than is shown tells whether there is a next page.
    limit: limit + 1,
  };
  const found = records.logs(filter);
  const rows = found.slice(0, limit).reverse();
  for (const row of rows) {
    if (io.stdout.gone.aborted) break;
    print(io, flags.json ? JSON.stringify(row) : rowLine(io, row));
  }
  const oldest = rows[0];
  if (!flags.json) {
    print(io, dim(io, `${rows.length} rows`));
    if (oldest !== undefined && found.length > limit) {
      print(io, dim(io, `earlier: nerve events --before ${oldest.id}${given(flags)}`));
    }
  }
  return exit.ok;
}

function rowLine(io: CliIo, row: LogRow): string {
  const ref = row.refId === null || row.source.endsWith(`:${row.refId}`) ? "" : ` ${printable(row.refId)}`;
  const cause = row.causeId === null ? "" : dim(io, ` (of ${row.causeId})`);
  const head = `${row.id} ${dim(io, dateTime(row.ts))} ${row.type} ${printable(row.source)}${ref}${cause}`;
  return `${head} ${preview(row.payload, 120)}`;
}

function given(flags: Flags): string {
  const parts: string[] = [];
  for (const key of ["source", "type", "ref", "limit"] as const) {
    if (flags[key] !== undefined) parts.push(` --${key} ${flags[key]}`);
  }
  return parts.join("");
}
