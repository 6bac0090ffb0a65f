/**
 * What is on disk of a workspace's code: nerve.yaml and every file of senses/, workflows/ and lib/, by content. This is
 * the truth that reload.ts acts on; the watcher only says when to look.
 * I1. Equal contents give equal facts, whatever the times of the files say.
 * I2. A file is read again when its size, times or inode changed, or when it changed so lately that its times could not
 *     tell a further change. Bounded in files, depth and bytes; what is over a bound is told, not read.
 */
import { setImmediate } from "node:timers";
import { isMissing } from "../base/if_present.ts";
import { scanDepthMax, scanFileMaxBytes, scanFilesMax } from "../base/limits.ts";
import { sha256 } from "../base/sha256.ts";
import type { Clock } from "../base/time.ts";
import { configFileName, type WorkspacePaths } from "../config/workspace.ts";
import { type Imports, importsOf, moduleEnding, noImports } from "./import_scanner.ts";

export const codeFolders = ["senses", "workflows", "lib"] as const;

export interface FileFacts {
  readonly hash: string;
  /** Times, size and inode: differs whenever the file was written, also when its content is what it was. */
  readonly stamp: string;
  readonly imports: Imports;
}

export interface Snapshot {
  /** By path in the workspace, such as `senses/disk-usage/index.ts`. Symbolic links are followed. */
  readonly files: ReadonlyMap<string, FileFacts>;
  /** Stands for all of it: equal when nothing was written. */
  readonly digest: string;
  /** What could not be looked at, as a sentence; null when everything could. */
  readonly incomplete: string | null;
}

interface Known {
  readonly facts: FileFacts;
  /** False: it changed so shortly before it was read that its stamp may stay the same at the next change. */
  readonly settled: boolean;
}

/** Coarser than the times of any file system that Deno gives us in milliseconds. */
const settleMs = 2_000;
/** Entries that are looked at before others get their turn: about a millisecond. */
const entriesATurn = 100;

export class WorkspaceScan {
  readonly #paths: WorkspacePaths;
  readonly #clock: Clock;
  #known = new Map<string, Known>();

  constructor(paths: WorkspacePaths, clock: Clock) {
    this.#paths = paths;
    this.#clock = clock;
  }

  async scan(): Promise<Snapshot> {
    const { root, data, logs } = this.#paths;
    // A link in lib/ that leads back to the workspace must not make code of what the kernel writes.
    const walk: Walk = { known: new Map(), above: new Set([root, data, logs]), entries: 0, incomplete: null };
    await this.#look(configFileName, walk);
    for (const folder of codeFolders) await this.#folder(folder, 0, walk);
    // Files that are gone are forgotten with the map before.
    this.#known = walk.known;
    const files = new Map([...walk.known].map(([path, { facts }]) => [path, facts]));
    const lines = [...files].map(([path, { hash, stamp }]) => `${hash} ${stamp} ${path}`).sort();
    return { files, digest: lines.join("\n"), incomplete: walk.incomplete };
  }

  async #folder(path: string, depth: number, walk: Walk): Promise<void> {
    const full = `${this.#paths.root}/${path}`;
    let real: string, names: string[];
    try {
      real = Deno.realPathSync(full);
      names = [...Deno.readDirSync(full)].map(({ name }) => name).sort();
    } catch (thrown) {
      return missing(thrown, path, walk);
    }
    // A link to a folder that it lies in would lead round and round.
    if (walk.above.has(real)) return;
    if (depth >= scanDepthMax) return void (walk.incomplete ??= `${path} lies more than ${scanDepthMax} folders deep`);
    walk.above.add(real);
    for (const name of names) {
      if (name === ".git" || name === "node_modules") continue;
      if (++walk.entries > scanFilesMax) {
        walk.incomplete ??= `there are more than ${scanFilesMax} files in ${codeFolders.join("/, ")}/`;
        break;
      }
      if (walk.entries % entriesATurn === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (await this.#look(`${path}/${name}`, walk) === "folder") {
        await this.#folder(`${path}/${name}`, depth + 1, walk);
      }
    }
    walk.above.delete(real);
  }

  /** Takes a file's facts into `walk`; "folder" for what is one. */
  async #look(path: string, walk: Walk): Promise<"folder" | "done"> {
    const full = `${this.#paths.root}/${path}`;
    try {
      const info = Deno.statSync(full);
      if (info.isDirectory) return "folder";
      if (!info.isFile) return "done";
      const changedAt = Math.max(info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0);
      const stamp = [info.dev, info.ino, info.size, info.mtime?.getTime(), info.ctime?.getTime()].join(" ");
      const before = this.#known.get(path);
      if (before?.settled === true && before.facts.stamp === stamp) walk.known.set(path, before);
      else {
        const settled = Math.abs(this.#clock.now() - changedAt) > settleMs;
        walk.known.set(path, { settled, facts: await factsOf(path, full, info.size, stamp, before?.facts) });
      }
    } catch (thrown) {
      missing(thrown, path, walk);
    }
    return "done";
  }
}

interface Walk {
  readonly known: Map<string, Known>;
  /** Real paths of folders that are not entered: those around the one that is looked at, and the kernel's own. */
  readonly above: Set<string>;
  entries: number;
  incomplete: string | null;
}

/** What goes away while we look is gone, and a link that leads nowhere was never there. */
function missing(thrown: unknown, path: string, walk: Walk): void {
  if (isMissing(thrown)) return;
  // Unreadable, or a link to itself: the module loader will say the same of it, if it is ever asked to.
  walk.incomplete ??= `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
}

async function factsOf(
  path: string,
  full: string,
  size: number,
  stamp: string,
  before?: FileFacts,
): Promise<FileFacts> {
  // Nobody writes such a module by hand: its times have to do.
  if (size > scanFileMaxBytes) return { hash: stamp, stamp, imports: noImports };
  const bytes = Deno.readFileSync(full), hash = await sha256(bytes);
  if (before?.hash === hash) return { ...before, stamp };
  return { hash, stamp, imports: moduleEnding.test(path) ? importsOf(new TextDecoder().decode(bytes)) : noImports };
}
