/**
 * Finds files below one folder that have not changed for a while, and removes them. A dry run by default.
 * scan -> remove -> report; a dry run skips remove.
 * I1. The scan's message names every file that will be removed; nothing else is removed.
 * I2. Each file is checked again right before it is removed (files.ts). Symbolic links are neither followed nor
 *     removed.
 * I3. Running remove twice removes nothing more: what is already gone is counted as gone.
 */
import {
  defineWorkflow,
  END,
  formatDuration,
  formatSize,
  type Json,
  type JsonObject,
  option,
  readConfig,
  type RoleContext,
} from "nerve";
import { findOldFiles, type OldFile, removeFile } from "./files.ts";

/** What the message of scan contains for the later roles. */
interface ScanMeta {
  readonly folder: string;
  readonly dryRun: boolean;
  /** Files changed after this time, in milliseconds, stay. */
  readonly before: number;
  readonly files: readonly OldFile[];
  readonly bytes: number;
  /** True when there are more files than this run removes; the next run continues. */
  readonly more: boolean;
  /** True when there is no such folder. */
  readonly missing: boolean;
}

function readSettings(config: JsonObject) {
  const read = readConfig(config, {
    folder: option.text(),
    older_than: option.duration("7d"),
    pattern: option.text("*"),
    dry_run: option.flag(true),
    max_files: option.number(1_000, { min: 1, max: 10_000 }),
  });
  if (!read.folder.startsWith("/") || /^[/.]*$/.test(read.folder)) {
    throw new TypeError(`config.folder must be an absolute path and not the root, not "${read.folder}"`);
  }
  return read;
}

type Settings = ReturnType<typeof readSettings>;

async function scan({ config, signal }: RoleContext<Settings>) {
  const { folder, older_than, pattern, dry_run, max_files } = config;
  const before = Date.now() - older_than;
  const { files, more, missing } = await findOldFiles({ folder, pattern, before, filesMax: max_files }, signal);
  const bytes = files.reduce((total, file) => total + file.bytes, 0);
  const meta: ScanMeta = { folder, dryRun: dry_run, before, files, bytes, more, missing };
  if (missing) return { content: `there is no folder ${folder}, so there is nothing to clean`, meta: toMeta(meta) };
  const found = `${files.length}${more ? " or more" : ""} files (${formatSize(bytes)})`;
  return { content: `${found} in ${folder} are older than ${formatDuration(older_than)}`, meta: toMeta(meta) };
}

async function remove({ messages, config: now, signal, log }: RoleContext<Settings>) {
  const { folder, before, files } = readScan(messages);
  // The configuration may have changed since the scan; it must still allow the removal.
  if (now.dry_run || now.folder !== folder) {
    throw new Error(`nerve.yaml no longer lets this run remove files in ${folder}`);
  }
  let removed = 0, bytes = 0, gone = 0;
  const kept: { path: string; reason: string }[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    const outcome = await removeFile(folder, file, before);
    if (outcome === "removed") {
      removed++;
      bytes += file.bytes;
    } else if (outcome === "gone") gone++;
    else {
      if (kept.length < keptMax) kept.push({ path: file.path, reason: outcome.kept });
      log("warn", `kept ${file.path}: ${outcome.kept}`);
    }
  }
  const keptCount = files.length - removed - gone;
  const content = `removed ${removed} files (${formatSize(bytes)}), ${gone} were already gone, kept ${keptCount}`;
  return { content, meta: { removed, bytes, gone, keptCount, kept } };
}

function report({ messages, start }: RoleContext<Settings>) {
  const { folder, dryRun, files, bytes, more, missing } = readScan(messages);
  const done = messages.find((message) => message.role === "remove");
  const dry = dryRun && !missing ? `dry run: would remove ${files.length} files (${formatSize(bytes)})` : null;
  const what = done?.content ?? dry ?? (missing ? "there is no such folder" : "nothing to remove");
  const rest = more ? "; there are more, run it again" : "";
  const why = start.prompt === "" ? "" : ` (asked because: ${start.prompt})`;
  const { removed = 0, gone = 0, keptCount = 0, bytes: freed = 0 } = done?.meta ?? {};
  return {
    content: `${folder}: ${what}${rest}${why}`,
    meta: {
      folder,
      dryRun,
      found: files.length,
      foundBytes: bytes,
      removed,
      removedBytes: freed,
      gone,
      kept: keptCount,
      more,
    },
  };
}

/** A message lists at most this many kept files; all are counted. */
const keptMax = 100;

function toMeta(meta: ScanMeta): { readonly [key: string]: Json } {
  return { ...meta, files: meta.files.map((file) => ({ ...file })) };
}

function readScan(messages: RoleContext["messages"]): ScanMeta {
  const [first] = messages;
  if (first?.role !== "scan") throw new Error("the run has no scan");
  return first.meta as unknown as ScanMeta;
}

export default defineWorkflow({
  config: readSettings,
  roles: { scan, remove, report },
  moderator: ({ messages }) => {
    switch (messages.at(-1)?.role) {
      case undefined:
        return "scan";
      case "scan": {
        const { dryRun, files } = readScan(messages);
        return dryRun || files.length === 0 ? "report" : "remove";
      }
      case "remove":
        return "report";
      default:
        return END;
    }
  },
});
