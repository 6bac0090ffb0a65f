/** `nerve store backup DIR` and `nerve store restore DIR`. */
import { basename, resolve } from "node:path";
import { formatSize } from "../../base/duration.ts";
import { toPrintable } from "../../base/printable.ts";
import { backupData, type BackupManifest, restoreData } from "../../store/maintenance/backup.ts";
import { createProgressLine, requireLog, withWorkspaceLock } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, formatDateTime, plural, print, printJson, quoteForShell, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function storeBackup(io: CliIo, flags: Flags, dir: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), folder = resolve(io.cwd, dir), line = createProgressLine(io);
  requireLog(paths);
  let manifest: BackupManifest;
  try {
    manifest = await backupData(paths, folder, io.clock.now(), (path) => line.show(basename(path)));
  } finally {
    line.end();
  }
  if (flags.json) printJson(io, summary(folder, manifest));
  else {
    print(io, `${sign.ok} ${sizeText(manifest)} in ${toPrintable(folder)}`);
    print(
      io,
      dim(io, `   to bring it back: nerve stop, then nerve store restore ${toPrintable(quoteForShell(folder))}`),
    );
  }
  return exit.ok;
}

export async function storeRestore(
  io: CliIo,
  flags: Flags & { readonly force: boolean },
  dir: string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), folder = resolve(io.cwd, dir), line = createProgressLine(io);
  const tell = (path: string) => line.show(basename(path));
  const { manifest, before } = await withWorkspaceLock(
    paths,
    "a live workspace is never overwritten: nerve stop, then again",
    () => restoreData(paths, folder, { force: flags.force, now: io.clock.now(), tell }),
  ).finally(() => line.end());
  if (flags.json) printJson(io, { ...summary(folder, manifest), before });
  else {
    print(io, `${sign.ok} ${sizeText(manifest)} of ${formatDateTime(manifest.madeAt)} are back`);
    if (before !== null) print(io, dim(io, `   what was there before: ${toPrintable(before)}`));
  }
  return exit.ok;
}

function summary(folder: string, { files, madeAt, version }: BackupManifest): Record<string, unknown> {
  return { folder, madeAt, version, files: files.length, bytes: bytesOf(files) };
}

function sizeText({ files }: BackupManifest): string {
  return `${plural(files.length, "file")}, ${formatSize(bytesOf(files))}`;
}

function bytesOf(files: BackupManifest["files"]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
