/**
 * Detects that a rule of a process applies to a file that is no longer at its path. Landlock's rules belong to files: a
 * log that was rotated, a configuration that an editor replaced, or a folder that was mounted or created later is
 * closed to a process that started before. Created by launcher.ts; unit_supervisor.ts asks before it gives work to a
 * process.
 */
import { identifyFile } from "../base/file_identity.ts";
import type { ProcessSpec } from "../protocol/message.ts";

export class GrantWatch {
  /** The files that were there when the process started. */
  readonly #files: ReadonlyMap<string, string | null>;

  constructor(spec: ProcessSpec) {
    this.#files = new Map(listWatched(spec).map((path) => [path, identify(path)]));
  }

  /** Checks every file, in 4 us each. A missing file does not count: another process could not open it either. */
  isOutdated(): boolean {
    for (const [path, file] of this.#files) {
      const now = identify(path);
      if (now !== null && now !== file) return true;
    }
    return false;
  }
}

/** Where host names are resolved; programs of the system replace these files. */
const resolverFiles = ["/etc/hosts", "/etc/resolv.conf"];

/** The granted paths, except for the unit's own databases: kernel/database_watch.ts watches those. */
function listWatched({ permissions: { read, write, ffi, net }, senses }: ProcessSpec): string[] {
  const own = new Set(senses.flatMap(({ database }) => ["", "-wal", "-shm", "-journal"].map((end) => database + end)));
  const granted = [read, write, ffi].flatMap((list) => typeof list === "boolean" ? [] : list);
  return [...granted.filter((path) => !own.has(path)), ...net === false ? [] : resolverFiles];
}

/** A path that cannot be checked counts as unchanged. */
function identify(path: string): string | null {
  try {
    return identifyFile(path);
  } catch {
    return null;
  }
}
