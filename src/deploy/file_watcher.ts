/**
 * Says when to look at the workspace again: at once after an event, and from time to time without one. Made by kernel.ts
 * for reload.ts, whose scan is the truth.
 * I1. A lost event costs time, never a change: the system's watch misses files in new folders, some symbolic links and
 *     everything after an overflow (measured on Deno 2.9.6). The scan without an event comes about once a second in a small
 *     workspace, and less often the longer it takes: it costs half a percent of one core.
 * I2. A folder that was removed and made again, the workspace itself included, is watched again.
 * I3. data/ and logs/ are not watched: the kernel writes there all the time.
 * I4. The system does not follow links: what nerve.yaml or an entry of senses/, workflows/ or lib/ leads to is watched by
 *     itself, a folder without those below it (it may be any, such as `/`); the scan has to do for them.
 */
import { dirname, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { identifyFile } from "../base/file_identity.ts";
import { ifPresent } from "../base/if_present.ts";
import { watchBusyMaxMs, watchQuietMs, watchScanMaxMs, watchScanMinMs, watchScanShare } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

export interface WatcherPorts {
  readonly clock: Clock;
  /** Looks at the workspace, and resolves when that is done. */
  look(): Promise<void>;
  problem(message: string): void;
}

/** What is watched because a link leads there; of more the scan alone tells. */
const linksMax = 64;

interface Watched {
  readonly path: string;
  readonly recursive: boolean;
  open: { readonly watcher: Deno.FsWatcher; readonly identity: string } | null;
}

export class FileWatcher {
  readonly #ports: WatcherPorts;
  readonly #root: string;
  readonly #configFile: string;
  readonly #folders: readonly string[];
  readonly #watched: Watched[];
  /** Real paths that links lead to, and with them what lies in them. */
  #linked: readonly string[] = [];
  readonly #relevant: readonly string[];
  /** What was said last; the same is not said again. */
  #said = "";
  #stopped = false;
  /** An event has come, and its look has not begun. */
  #pending: { readonly since: number; cancel: CancelTimer } | null = null;
  #nextScan: CancelTimer | null = null;
  /** How long the last look took. */
  #tookMs = 0;
  #looking: Promise<void> = Promise.resolve();

  constructor(paths: WorkspacePaths, ports: WatcherPorts) {
    this.#ports = ports;
    this.#root = paths.root;
    const folders = [paths.senses, paths.workflows, paths.lib];
    this.#configFile = paths.configFile;
    this.#folders = folders;
    this.#relevant = [paths.configFile, ...folders];
    this.#watched = [
      { path: paths.root, recursive: false, open: null },
      ...folders.map((path): Watched => ({ path, recursive: true, open: null })),
    ];
  }

  /** From now on nothing is missed for longer than the time between two scans. */
  start(): void {
    this.#reopen();
    this.#poke();
  }

  /** Resolves when the look under way is over; no other follows. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pending?.cancel();
    this.#nextScan?.();
    for (const watched of this.#watched) close(watched);
    await this.#looking;
  }

  /** Opens what is there and not watched, or not the same any more. */
  #reopen(): void {
    this.#followLinks();
    for (const watched of this.#watched) {
      try {
        const identity = identifyFolder(watched.path);
        if (watched.open?.identity === identity) continue;
        close(watched);
        if (identity === null) continue;
        const watcher = Deno.watchFs(watched.path, { recursive: watched.recursive });
        watched.open = { watcher, identity };
        void this.#listen(watched, watcher);
      } catch (thrown) {
        // Gone since the look at it; or the system has no watches left, and then the scans have to do.
        if (!(thrown instanceof Deno.errors.NotFound)) {
          this.#say(`${watched.path} cannot be watched: ${messageOf(thrown)}`);
        }
      }
    }
  }

  #followLinks(): void {
    const links = [this.#configFile, ...this.#folders.flatMap(linksIn)].slice(0, linksMax), linked = new Set<string>();
    for (const link of links) {
      const target = targetOf(link);
      if (target !== null) linked.add(target);
    }
    this.#linked = [...linked];
    const wanted = new Set(this.#linked.map((target) => identifyFolder(target) === null ? dirname(target) : target));
    for (const watched of this.#watched.splice(this.#folders.length + 1)) {
      if (wanted.delete(watched.path)) this.#watched.push(watched);
      else close(watched);
    }
    for (const path of wanted) this.#watched.push({ path, recursive: false, open: null });
  }

  async #listen(watched: Watched, watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) {
        if (event.kind !== "access" && (event.flag === "rescan" || event.paths.some((path) => this.#concerns(path)))) {
          this.#poke();
        }
      }
    } catch (thrown) {
      this.#say(`the watch of ${watched.path} failed: ${messageOf(thrown)}`);
      if (watched.open?.watcher === watcher) watched.open = null;
    }
  }

  #concerns(path: string): boolean {
    const ours = (each: string) => path === each || path.startsWith(`${each}/`);
    return path === this.#root || this.#relevant.some(ours) || this.#linked.some(ours);
  }

  /** Waits until the writing pauses, but not for ever. */
  #poke(): void {
    if (this.#stopped) return;
    const { clock } = this.#ports, now = clock.monotonic(), since = this.#pending?.since ?? now;
    this.#pending?.cancel();
    const waitMs = Math.max(0, Math.min(watchQuietMs, since + watchBusyMaxMs - now));
    this.#pending = { since, cancel: clock.after(waitMs, () => this.#look()) };
  }

  #look(): void {
    const byEvent = this.#pending !== null;
    this.#pending?.cancel();
    this.#pending = null;
    this.#nextScan?.();
    this.#nextScan = null;
    this.#looking = this.#looking.then(async () => {
      if (this.#stopped) return;
      // Before the scan: what is written after it is an event then.
      this.#reopen();
      const from = this.#ports.clock.monotonic();
      await this.#ports.look().catch((thrown) => this.#say(`the reload failed: ${messageOf(thrown)}`));
      this.#armScan(this.#ports.clock.monotonic() - from, byEvent);
    });
  }

  /** An event that was lost came with others, as a rule: after one the next scan comes soon, whatever it costs. */
  #armScan(tookMs: number, byEvent: boolean): void {
    if (this.#stopped) return;
    // What a change costs, its trials and all, says nothing of a scan: of two looks the shorter one counts.
    const costMs = byEvent ? 0 : Math.min(tookMs, this.#tookMs);
    this.#tookMs = tookMs;
    const waitMs = Math.min(watchScanMaxMs, Math.max(watchScanMinMs, costMs * watchScanShare));
    this.#nextScan?.();
    this.#nextScan = this.#ports.clock.after(waitMs, () => this.#look());
  }

  #say(message: string): void {
    if (message === this.#said) return;
    this.#said = message;
    this.#ports.problem(message);
  }
}

function close(watched: Watched): void {
  watched.open?.watcher.close();
  watched.open = null;
}

/** The entries of a folder that are links. */
function linksIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].filter(({ isSymlink }) => isSymlink).map(({ name }) => join(folder, name));
  } catch {
    // It is not there, or is not to be read: the scan says so.
    return [];
  }
}

/** Where a link leads in the end; null when the path is none, or leads nowhere. */
function targetOf(path: string): string | null {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.realPathSync(path) : null;
  } catch {
    // As above.
    return null;
  }
}

/** Tells a folder from another of the same name; null when there is no such folder. */
function identifyFolder(path: string): string | null {
  const isFolder = ifPresent(() => Deno.statSync(path).isDirectory) ?? false;
  return isFolder ? identifyFile(path) : null;
}
