/**
 * Scans the code of a workspace on disk: nerve.yaml, the permission lock and every file in senses/, workflows/ and
 * lib/, by content. reload.ts acts on its results; file_watcher.ts only decides when to scan.
 * I1. Equal contents give equal hashes, whatever the times of the files.
 * I2. A file is read again when its size, times or inode changed, or when it changed so recently that its times might
 *     not show another change. Files, depth and bytes are bounded; what exceeds a bound is reported, not read.
 */
import { resolve } from "node:path";
import { readInode } from "../base/file_identity.ts";
import { isMissing } from "../base/if_present.ts";
import { scanDepthMax, scanFileMaxBytes, scanFilesMax } from "../base/watch_limits.ts";
import { sha256 } from "../base/sha256.ts";
import type { Clock } from "../base/time.ts";
import { permissionLockName } from "../config/permissions/lock_file.ts";
import { configFileName, type WorkspacePaths } from "../config/workspace.ts";
import { type Imports, moduleExtension, noImports, scanImports } from "./import_scanner.ts";

export const codeFolders = ["senses", "workflows", "lib"] as const;

export interface FileFacts {
  readonly hash: string;
  /** Times, size and inode: differs whenever the file was written, even with the same content. */
  readonly stamp: string;
  readonly imports: Imports;
}

export interface Snapshot {
  /** Keyed by path in the workspace, such as `senses/disk-usage/index.ts`. Symbolic links are followed. */
  readonly files: ReadonlyMap<string, FileFacts>;
  /** A digest of all files: equal when nothing was written. */
  readonly digest: string;
  /** What could not be scanned; null when everything could. */
  readonly incomplete: string | null;
}

interface Known {
  readonly facts: FileFacts;
  /** False: it changed so shortly before it was read that another change might not change its stamp. */
  readonly settled: boolean;
}

/** Longer than the resolution of file times on any file system. */
const stampSettleMs = 2_000;
/** How many entries are scanned before the event loop gets a turn: about a millisecond. */
const entriesPerTurn = 100;

export class WorkspaceScan {
  readonly #paths: WorkspacePaths;
  readonly #clock: Clock;
  #known = new Map<string, Known>();

  constructor(paths: WorkspacePaths, clock: Clock) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /** `envFile`: the absolute path of the file of variables, if there is one. */
  async scan(envFile: string | null = null): Promise<Snapshot> {
    const { root, data, logs } = this.#paths;
    // If a link in lib/ leads back to the workspace, files that the kernel writes must not count as code.
    const databases = new Set(["", "-wal", "-shm"].map((ending) => readInode(`${this.#paths.logDatabase}${ending}`)));
    const walk: Walk = {
      known: new Map(),
      above: new Set([root, data, logs]),
      databases,
      entries: 0,
      incomplete: null,
    };
    for (const file of [configFileName, permissionLockName]) await this.#scanEntry(file, walk);
    if (envFile !== null) await this.#scanEntry(envFile, { ...walk, incomplete: null });
    for (const folder of codeFolders) await this.#scanFolder(folder, 0, walk);
    // Removed files are forgotten along with the previous map.
    this.#known = walk.known;
    const files = new Map([...walk.known].map(([path, { facts }]) => [path, facts]));
    const lines = [...files].map(([path, { hash, stamp }]) => `${hash} ${stamp} ${path}`).sort();
    return { files, digest: lines.join("\n"), incomplete: walk.incomplete };
  }

  async #scanFolder(path: string, depth: number, walk: Walk): Promise<void> {
    const full = `${this.#paths.root}/${path}`;
    let real: string, names: string[];
    try {
      real = Deno.realPathSync(full);
      names = [...Deno.readDirSync(full)].map(({ name }) => name).sort();
    } catch (thrown) {
      return noteUnreadable(thrown, path, walk);
    }
    // A link to one of its own parent folders would never end.
    if (walk.above.has(real)) return;
    if (depth >= scanDepthMax) return void (walk.incomplete ??= `${path} is more than ${scanDepthMax} folders deep`);
    walk.above.add(real);
    for (const name of names) {
      if (name === ".git" || name === "node_modules") continue;
      if (++walk.entries > scanFilesMax) {
        walk.incomplete ??= `there are more than ${scanFilesMax} files in ${codeFolders.join("/, ")}/`;
        break;
      }
      if (walk.entries % entriesPerTurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (await this.#scanEntry(`${path}/${name}`, walk) === "folder") {
        await this.#scanFolder(`${path}/${name}`, depth + 1, walk);
      }
    }
    walk.above.delete(real);
  }

  /** Adds a file's facts to `walk`. Returns "folder" if the path is a folder. */
  async #scanEntry(path: string, walk: Walk): Promise<"folder" | "done"> {
    const full = resolve(this.#paths.root, path);
    try {
      const info = Deno.statSync(full);
      if (info.isDirectory) return "folder";
      // Opening and closing a database of the kernel would cost SQLite its locks on it (daemon/workspace_watch.ts).
      if (!info.isFile || walk.databases.has(info.ino)) return "done";
      const changedAt = Math.max(info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0);
      const stamp = [info.dev, info.ino, info.size, info.mtime?.getTime(), info.ctime?.getTime()].join(" ");
      const before = this.#known.get(path);
      if (before?.settled === true && before.facts.stamp === stamp) walk.known.set(path, before);
      else {
        const settled = Math.abs(this.#clock.now() - changedAt) > stampSettleMs;
        walk.known.set(path, { settled, facts: await readFacts(path, full, info.size, stamp, before?.facts) });
      }
    } catch (thrown) {
      noteUnreadable(thrown, path, walk);
    }
    return "done";
  }
}

interface Walk {
  readonly known: Map<string, Known>;
  /** Real paths of folders that are not entered: the parents of the current one, and the kernel's own. */
  readonly above: Set<string>;
  /** Inodes of files that are never opened, whatever links lead to them. */
  readonly databases: ReadonlySet<number | null>;
  entries: number;
  incomplete: string | null;
}

/** Notes a file that cannot be read. A file that was just removed, or a dangling link, does not count. */
function noteUnreadable(thrown: unknown, path: string, walk: Walk): void {
  if (isMissing(thrown)) return;
  // Unreadable, or a link to itself: the module loader would report the same, if it ever loads the file.
  walk.incomplete ??= `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}

async function readFacts(
  path: string,
  full: string,
  size: number,
  stamp: string,
  before?: FileFacts,
): Promise<FileFacts> {
  // No one writes such a large module by hand: its stamp stands in for a hash.
  if (size > scanFileMaxBytes) return { hash: stamp, stamp, imports: noImports };
  const bytes = Deno.readFileSync(full), hash = await sha256(bytes);
  if (before?.hash === hash) return { ...before, stamp };
  return {
    hash,
    stamp,
    imports: moduleExtension.test(path) ? scanImports(new TextDecoder().decode(bytes)) : noImports,
  };
}
