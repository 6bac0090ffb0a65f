/**
 * `nerve store archive`: moves whole days of the log into archive files now. A running daemon does the work; without
 * one, the command does it with exclusive use of the workspace.
 */
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ArchiveProgress, ArchiveReply } from "../../protocol/api.ts";
import { resolveArchiveBound } from "../../store/archive/archiver.ts";
import { dayOf } from "../../store/archive/days.ts";
import { createProgressLine, withStore, withWorkspaceLock } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, printTable, sign } from "../render/terminal.ts";
import { askIfRunning, connect, openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly before?: string | undefined;
  readonly vacuum: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** How often the daemon is asked for its progress. */
const progressMs = 500;

export async function storeArchive(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  // An invalid --before fails before anything else is tried.
  resolveArchiveBound(flags.before ?? null, 0, io.clock.now());
  const reply = await askIfRunning(paths, () => archiveInDaemon(io, flags, paths)) ??
    await archiveHere(io, flags, paths);
  if (flags.json) printJson(io, reply);
  else show(io, flags, paths, reply);
  return exit.ok;
}

async function archiveInDaemon(io: CliIo, flags: Flags, paths: WorkspacePaths): Promise<ArchiveReply> {
  using client = await connect(paths);
  await client.health();
  if (flags.vacuum) {
    throw new NerveError("DAEMON_RUNNING", "a daemon runs here, and a vacuum would block everything that it writes", {
      hint: "nerve stop, then nerve store archive --vacuum; or omit --vacuum",
    });
  }
  const line = createProgressLine(io);
  let cancel = () => {};
  const showProgress = async () => {
    const { archive } = await client.health();
    if (archive !== null) line.show(formatProgress(archive));
    cancel = io.clock.after(progressMs, repeat);
  };
  // A failure to show progress must not fail the command.
  const repeat = () => void showProgress().catch(() => {});
  if (io.colour) cancel = io.clock.after(progressMs, repeat);
  const { before, dryRun } = flags;
  try {
    return await client.archive({ ...(before === undefined ? {} : { before }), dryRun });
  } finally {
    cancel();
    line.end();
  }
}

async function archiveHere(io: CliIo, flags: Flags, paths: WorkspacePaths): Promise<ArchiveReply> {
  const { retentionMs } = await requireConfig(paths), { dryRun, vacuum } = flags;
  const beforeMs = resolveArchiveBound(flags.before ?? null, retentionMs, io.clock.now());
  const stop = new AbortController(), line = createProgressLine(io);
  const cancelInterrupt = io.onInterrupt(() => stop.abort());
  try {
    return await withWorkspaceLock(
      paths,
      "wait until it has started or stopped, then try again",
      () =>
        withStore(io, paths, async (store) => {
          const onProgress = (progress: ArchiveProgress) => line.show(formatProgress(progress));
          const report = await store.archive(paths.archive, { beforeMs, dryRun, onProgress, signal: stop.signal });
          const vacuumed = vacuum && !dryRun && !stop.signal.aborted;
          if (vacuumed) {
            line.show("returning free space to the disk");
            store.vacuum();
          }
          return { ...report, days: [...report.days], beforeMs, dryRun, vacuumed };
        }),
    );
  } finally {
    cancelInterrupt();
    line.end();
  }
}

function formatProgress({ day, step, done, total }: ArchiveProgress): string {
  return `${day} ${step === "writing" ? "written" : "removed from the log"}: ${done} of ${plural(total, "row")}`;
}

function show(io: CliIo, flags: Flags, paths: WorkspacePaths, reply: ArchiveReply): void {
  const { days, rows, held, beforeMs, dryRun, vacuumed } = reply;
  if (days.length > 0) printTable(io, ["DAY", "ROWS"], days.map((day) => [day.day, String(day.rows)]));
  const before = `of days before ${dayOf(beforeMs)} (UTC)`;
  if (rows === 0) print(io, `${sign.ok} no rows ${before} are in the log`);
  else if (dryRun) print(io, `${sign.next} ${plural(rows, "row")} ${before} would be archived`);
  else print(io, `${sign.ok} ${plural(rows, "row")} ${before} are in ${toPrintable(paths.archive)}`);
  if (held > 0) {
    print(
      io,
      dim(
        io,
        `   ${plural(held, "row")} stay: their runs are not finished or not closed, or listeners have not heard them`,
      ),
    );
  }
  if (vacuumed) print(io, dim(io, "   free space was returned to the disk"));
  else if (rows > 0 && !dryRun) print(io, dim(io, "   the log reuses their space; --vacuum returns it to the disk"));
  if (rows > 0 && !dryRun) print(io, dim(io, "   to read them: nerve events --archived"));
  if (dryRun && rows > 0) print(io, dim(io, `   to archive them: nerve store archive${formatBound(flags)}`));
}

function formatBound({ before }: Flags): string {
  return before === undefined ? "" : ` --before ${before}`;
}
