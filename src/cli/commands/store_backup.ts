/** `nerve store backup DIR` and `nerve store restore DIR`: copy all data of a workspace to a folder, and back. */
import { basename, join, resolve } from "node:path";
import { formatSize } from "../../base/duration.ts";
import { ifPresent } from "../../base/if_present.ts";
import { readTrust } from "../../base/ownership.ts";
import { toPrintable } from "../../base/printable.ts";
import { resolveEnvFile, showEnvFile } from "../../config/environment.ts";
import { permissionLockName } from "../../config/permissions/lock_file.ts";
import { requireTrusted, requireTrustedTree } from "../../config/trust.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { backupData } from "../../store/maintenance/backup.ts";
import type { BackupManifest } from "../../store/maintenance/backup_files.ts";
import { restoreData } from "../../store/maintenance/restore.ts";
import type { OddFile } from "../../store/maintenance/odd_files.ts";
import { createProgressLine, requireLog, withWorkspaceLock } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, formatDateTime, plural, print, printJson, quoteForShell, sign } from "../render/terminal.ts";
import { openWorkspace, readConfigFile } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function storeBackup(io: CliIo, flags: Flags, dir: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), folder = resolve(io.cwd, dir), line = createProgressLine(io);
  requireLog(paths);
  // Anyone who may change the folder could read the data, or put other data there.
  requireTrusted(folder, folder, readTrust((name) => io.env[name]));
  let manifest: BackupManifest;
  try {
    manifest = await backupData(paths, folder, io.clock.now(), (path) => line.show(basename(path)));
  } finally {
    line.end();
  }
  const notHeld = await listNotHeld(paths), skipped = manifest.skipped ?? [];
  if (flags.json) printJson(io, { ...summarize(folder, manifest), notHeld, skipped });
  else {
    print(io, `${sign.ok} ${formatSizes(manifest)} in ${toPrintable(folder)}`);
    printOdd(io, "left out", skipped);
    print(io, dim(io, `   it holds data/ alone, without ${toPrintable(notHeld.join(", "))}: keep them yourself`));
    print(
      io,
      dim(io, `   to restore it: nerve stop, then nerve store restore ${toPrintable(quoteForShell(folder))}`),
    );
  }
  return exit.ok;
}

/** The files that a workspace needs besides its data. Secrets must never get into a backup unasked. */
async function listNotHeld(paths: WorkspacePaths): Promise<string[]> {
  const parsed = await readConfigFile(paths), file = parsed.ok ? resolveEnvFile(parsed.value.config, paths.root) : null;
  const own = [paths.configFile, join(paths.root, permissionLockName), paths.senses, paths.workflows, paths.lib];
  return [...own, ...file === null ? [] : [file]].filter((path) => ifPresent(() => Deno.lstatSync(path)) !== null)
    .map((path) => showEnvFile(path, paths.root));
}

export async function storeRestore(
  io: CliIo,
  flags: Flags & { readonly force: boolean },
  dir: string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), folder = resolve(io.cwd, dir), line = createProgressLine(io);
  const showFile = (path: string) => line.show(basename(path));
  requireTrustedTree(folder, readTrust((name) => io.env[name]));
  const { manifest, before, damaged } = await withWorkspaceLock(
    paths,
    "a running daemon's data is never overwritten: nerve stop, then try again",
    () => restoreData(paths, folder, { force: flags.force, now: io.clock.now(), report: showFile }),
  ).finally(() => line.end());
  const skipped = manifest.skipped ?? [];
  if (flags.json) printJson(io, { ...summarize(folder, manifest), before, damaged, skipped });
  else {
    print(io, `${sign.ok} ${formatSizes(manifest)} of ${formatDateTime(manifest.madeAt)} were restored`);
    printOdd(io, "set aside, damaged", damaged);
    printOdd(io, "not in this backup", skipped);
    if (before !== null) print(io, dim(io, `   the previous data: ${toPrintable(before)}`));
  }
  return exit.ok;
}

const oddShown = 20;

/** Prints the files one by one: the user has to know what a backup does not contain. */
function printOdd(io: CliIo, what: string, odd: readonly OddFile[]): void {
  for (const { path, why } of odd.slice(0, oddShown)) {
    print(io, `${sign.warning} ${what}: ${toPrintable(`${path} ${why}`)}`);
  }
  if (odd.length > oddShown) print(io, `${sign.warning} ${what}: ${odd.length - oddShown} more`);
}

function summarize(folder: string, { files, madeAt, version }: BackupManifest): Record<string, unknown> {
  return { folder, madeAt, version, files: files.length, bytes: countBytes(files) };
}

function formatSizes({ files }: BackupManifest): string {
  return `${plural(files.length, "file")}, ${formatSize(countBytes(files))}`;
}

function countBytes(files: BackupManifest["files"]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
