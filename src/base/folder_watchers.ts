/**
 * Watches a set of folders for the events that the system reports. Used by deploy/file_watcher.ts for the workspace and
 * by watches/watch.ts for the paths that senses watch.
 * I1. A folder that was removed and created again is watched again at the next `follow`.
 * I2. Events are only hints: the system loses some (files in new folders, symbolic links, everything after an
 *     overflow). A caller that must not miss a change also scans the folders.
 */
import { messageOf } from "./errors.ts";
import { identifyFile } from "./file_identity.ts";
import { ifPresent } from "./if_present.ts";

export interface FolderWatcherPorts {
  /** Something other than a read happened. */
  onEvent(event: Deno.FsEvent): void;
  reportProblem(message: string): void;
}

interface OpenFolder {
  readonly watcher: Deno.FsWatcher;
  readonly identity: string;
}

export class FolderWatchers {
  readonly #ports: FolderWatcherPorts;
  readonly #open = new Map<string, OpenFolder>();

  constructor(ports: FolderWatcherPorts) {
    this.#ports = ports;
  }

  /**
   * From now on, watches exactly these folders, as far as they exist, without their subfolders. Returns how many were
   * not watched before.
   */
  follow(folders: Iterable<string>): number {
    const wanted = new Set(folders);
    for (const path of [...this.#open.keys()]) if (!wanted.has(path)) this.#close(path);
    let opened = 0;
    for (const path of wanted) if (this.#reopen(path)) opened++;
    return opened;
  }

  close(): void {
    for (const path of [...this.#open.keys()]) this.#close(path);
  }

  /** Returns true if the folder was not watched before. */
  #reopen(path: string): boolean {
    try {
      const identity = identifyFolder(path), open = this.#open.get(path);
      if (open !== undefined && open.identity === identity) return false;
      this.#close(path);
      if (identity === null) return false;
      // Not recursive: the system would follow symbolic links, wherever they lead.
      const watcher = Deno.watchFs(path, { recursive: false });
      this.#open.set(path, { watcher, identity });
      void this.#listen(path, watcher);
      return true;
    } catch (thrown) {
      // The folder was removed meanwhile, or the system has no watches left: then scans must suffice.
      if (!(thrown instanceof Deno.errors.NotFound)) {
        this.#ports.reportProblem(`${path} cannot be watched: ${messageOf(thrown)}`);
      }
      return false;
    }
  }

  #close(path: string): void {
    this.#open.get(path)?.watcher.close();
    this.#open.delete(path);
  }

  async #listen(path: string, watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const event of watcher) if (event.kind !== "access") this.#ports.onEvent(event);
    } catch (thrown) {
      this.#ports.reportProblem(`the watch of ${path} failed: ${messageOf(thrown)}`);
      if (this.#open.get(path)?.watcher === watcher) this.#open.delete(path);
    }
  }
}

/** An identity that distinguishes a folder from a later one of the same name; null when there is no such folder. */
export function identifyFolder(path: string): string | null {
  const isFolder = ifPresent(() => Deno.statSync(path).isDirectory) ?? false;
  return isFolder ? identifyFile(path) : null;
}
