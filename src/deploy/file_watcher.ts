/**
 * Decides when to scan the workspace: soon after an event, and periodically without one. Created by kernel/wiring.ts
 * for reload.ts, whose scan is authoritative.
 * I1. A lost event costs time, but loses no change: the system's watcher misses files in new folders, some symbolic
 *     links and everything after an overflow. In a small workspace the periodic scan runs about once a second; the
 *     longer it takes, the less often it runs. It costs half a percent of one core.
 * I2. A folder that was removed and created again is watched again, including the workspace itself.
 * I3. data/ and logs/ are not watched: the kernel writes there all the time.
 * I4. Each folder has a watch of its own: a recursive watch of the system follows symbolic links, through all folders
 *     behind them, and reports nothing about them. The targets of nerve.yaml and of links in senses/, workflows/ and
 *     lib/ are watched separately, without subfolders (a target may be any folder, such as `/`); scans cover those.
 */
import { dirname, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { FolderWatchers, identifyFolder } from "../base/folder_watchers.ts";
import { ifPresent } from "../base/if_present.ts";
import {
  watchBusyMaxMs,
  watchedFoldersMax,
  watchQuietMs,
  watchScanMaxMs,
  watchScanMinMs,
  watchScanShare,
} from "../base/watch_limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { permissionLockName } from "../config/permissions/lock_file.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

export interface WatcherPorts {
  readonly clock: Clock;
  /** Scans the workspace and applies what changed. */
  scan(): Promise<void>;
  /** The path of `env_file`. If it is outside of the workspace, only the periodic scan notices its changes. */
  envFile?(): string | null;
  reportProblem(message: string): void;
}

/** How many symbolic links are watched; scans cover the rest. */
const linksMax = 64;

export class FileWatcher {
  readonly #ports: WatcherPorts;
  readonly #root: string;
  readonly #configFile: string;
  /** The real path of data/. */
  readonly #data: string;
  readonly #folders: readonly string[];
  readonly #watchers: FolderWatchers;
  /** The real paths of link targets. Everything below them is relevant. */
  #linked: readonly string[] = [];
  readonly #relevant: readonly string[];
  /** The last reported problem; it is not reported again. */
  #lastReported = "";
  #stopped = false;
  /** Set when an event has arrived whose scan has not begun; else null. */
  #pending: { readonly since: number; cancel: CancelTimer } | null = null;
  #nextScan: CancelTimer | null = null;
  /** How long the last scan took. */
  #lastScanMs = 0;
  #scanning: Promise<void> = Promise.resolve();

  constructor(paths: WorkspacePaths, ports: WatcherPorts) {
    this.#ports = ports;
    this.#root = paths.root;
    const folders = [paths.senses, paths.workflows, paths.lib];
    this.#configFile = paths.configFile;
    this.#data = ifPresent(() => Deno.realPathSync(paths.data)) ?? paths.data;
    this.#folders = folders;
    this.#relevant = [paths.configFile, join(paths.root, permissionLockName), ...folders];
    this.#watchers = new FolderWatchers({
      onEvent: ({ flag, paths }) => {
        if (flag === "rescan" || paths.some((path) => this.#isRelevant(path))) this.#scanSoon();
      },
      reportProblem: (message) => this.#reportProblem(message),
    });
  }

  /** From now on, no change is missed for longer than the time between two scans. */
  start(): void {
    this.#reopen();
    this.#scanSoon();
  }

  /** Stops watching. Resolves when the current scan is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pending?.cancel();
    this.#nextScan?.();
    this.#watchers.close();
    await this.#scanning;
  }

  /** Watches every path that exists and either is not watched, or is no longer the same folder. */
  #reopen(): void {
    const own = this.#folders.reduce(listFolders, [this.#root]);
    this.#watchers.follow([...own, ...this.#followLinks()]);
  }

  /** For each link, the folder that it leads to, or the folder of the file that it leads to. */
  #followLinks(): Set<string> {
    const links = [this.#configFile, ...this.#folders.flatMap(listLinks)].slice(0, linksMax),
      linked = new Set<string>();
    for (const link of links) {
      const target = resolveLink(link);
      // The kernel's own files are excluded: a watch on a database costs SQLite its locks (daemon/workspace_watch.ts).
      if (target !== null && target !== this.#data && !target.startsWith(`${this.#data}/`)) linked.add(target);
    }
    this.#linked = [...linked];
    return new Set(this.#linked.map((target) => identifyFolder(target) === null ? dirname(target) : target));
  }

  #isRelevant(path: string): boolean {
    const ours = (each: string) => path === each || path.startsWith(`${each}/`);
    if (path === this.#ports.envFile?.()) return true;
    return path === this.#root || this.#relevant.some(ours) || this.#linked.some(ours);
  }

  /** Scans once writing pauses, but no later than `watchBusyMaxMs` after the first event. */
  #scanSoon(): void {
    if (this.#stopped) return;
    const { clock } = this.#ports, now = clock.monotonic(), since = this.#pending?.since ?? now;
    this.#pending?.cancel();
    const waitMs = Math.max(0, Math.min(watchQuietMs, since + watchBusyMaxMs - now));
    this.#pending = { since, cancel: clock.after(waitMs, () => this.#scan()) };
  }

  #scan(): void {
    const byEvent = this.#pending !== null;
    this.#pending?.cancel();
    this.#pending = null;
    this.#nextScan?.();
    this.#nextScan = null;
    this.#scanning = this.#scanning.then(async () => {
      if (this.#stopped) return;
      const from = this.#ports.clock.monotonic();
      // Before the scan: any later write then causes an event.
      this.#reopen();
      await this.#ports.scan().catch((thrown) => this.#reportProblem(`the reload failed: ${messageOf(thrown)}`));
      this.#armNextScan(this.#ports.clock.monotonic() - from, byEvent);
    });
  }

  /** Lost events usually come with other events: after an event the next scan follows soon, whatever its cost. */
  #armNextScan(tookMs: number, byEvent: boolean): void {
    if (this.#stopped) return;
    // A scan that applied a change took longer, with trials and all: of the last two scans the shorter one counts.
    const costMs = byEvent ? 0 : Math.min(tookMs, this.#lastScanMs);
    this.#lastScanMs = tookMs;
    const waitMs = Math.min(watchScanMaxMs, Math.max(watchScanMinMs, costMs * watchScanShare));
    this.#nextScan?.();
    this.#nextScan = this.#ports.clock.after(waitMs, () => this.#scan());
  }

  #reportProblem(message: string): void {
    if (message === this.#lastReported) return;
    this.#lastReported = message;
    this.#ports.reportProblem(message);
  }
}

/** Adds a folder and the subfolders that a scan enters (workspace_scan.ts), except links; up to `watchedFoldersMax`. */
function listFolders(found: string[], folder: string): string[] {
  found.push(folder);
  try {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      if (found.length >= watchedFoldersMax) break;
      if (isDirectory && name !== ".git" && name !== "node_modules") listFolders(found, join(folder, name));
    }
  } catch {
    // The scan reports a folder that cannot be read.
  }
  return found;
}

/** The entries of a folder that are symbolic links. */
function listLinks(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isSymlink }) => isSymlink).map(({ name }) => join(folder, name));
  } catch {
    // It does not exist or cannot be read: the scan reports that.
    return [];
  }
}

/** The real path of a symbolic link; null when the path is not a link, or leads nowhere. */
function resolveLink(path: string): string | null {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.realPathSync(path) : null;
  } catch {
    // The path does not exist, or the link leads nowhere.
    return null;
  }
}
