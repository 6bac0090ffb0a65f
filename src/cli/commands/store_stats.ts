/** `nerve store stats`: the size and age of the data, and how fast it grows. */
import { formatSize } from "../../base/duration.ts";
import { toPrintable } from "../../base/printable.ts";
import { dayOf } from "../../store/archive/days.ts";
import { type LogStats, readStoreStats, type StoreStats } from "../../store/maintenance/stats.ts";
import { createProgressLine } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, formatDistance, plural, print, printJson, printTable, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function storeStatsCommand(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), line = createProgressLine(io);
  const stats = readStoreStats(paths, io.clock.now(), line.show);
  line.end();
  if (flags.json) printJson(io, stats);
  else show(io, stats);
  return exit.ok;
}

const oddShown = 20;

function show(io: CliIo, { log, senses, blobs, archive, totalBytes, odd }: StoreStats): void {
  const rows: string[][] = [];
  if (log !== null) rows.push(["log", formatSize(log.bytes), formatLog(io, log)]);
  for (const { name, bytes } of senses) rows.push([`sense ${name}`, formatSize(bytes), ""]);
  rows.push(["blobs", formatSize(blobs.bytes), plural(blobs.files, "file")]);
  const from = archive.oldest === null ? "" : `, from ${archive.oldest}`;
  const to = archive.upToMs === null ? "" : ` up to ${dayOf(archive.upToMs - 1)}`;
  rows.push([
    "archive",
    formatSize(archive.bytes),
    `${plural(archive.days, "day")}, ${plural(archive.rows, "row")}${from}${to}`,
  ]);
  printTable(io, ["WHAT", "SIZE", "HOLDS"], rows);
  print(io, dim(io, `${formatSize(totalBytes)} in all`));
  for (const { path, why } of odd.slice(0, oddShown)) print(io, `${sign.warning} ${toPrintable(`${path} ${why}`)}`);
  if (odd.length > oddShown) print(io, `${sign.warning} and ${odd.length - oddShown} more that do not belong there`);
  if (log?.perDay != null) {
    const { days, rows, bytes } = log.perDay;
    print(
      io,
      dim(io, `the log grows by ${plural(rows, "row")}, ${formatSize(bytes)} a day (mean of ${plural(days, "day")})`),
    );
  }
  if (log !== null && log.freeBytes > log.bytes / 4) {
    print(
      io,
      dim(
        io,
        `${formatSize(log.freeBytes)} of the log are free space: nerve store archive --vacuum returns it to the disk`,
      ),
    );
  }
}

function formatLog(io: CliIo, { rows, runs, oldestMs }: LogStats): string {
  const oldest = oldestMs === null ? "" : `, the oldest from ${formatDistance(oldestMs, io.clock.now())}`;
  return `${plural(rows, "row")}, ${plural(runs, "run")}${oldest}`;
}
