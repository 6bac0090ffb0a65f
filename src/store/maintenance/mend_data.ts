/**
 * Repairs the data folders when the kernel starts: moves aside what sandboxed code, or another program, left in the
 * place of a folder or of a sense's database, so that it cannot prevent other starts. Called by kernel.ts, under the
 * workspace's lock.
 * I1. Nothing is removed, and no ordinary file in the place of a database is touched.
 */
import { basename, join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import { type DataPaths, listEntries } from "./data_files.ts";
import { findDatabaseFault } from "./odd_files.ts";

/** What was done, or failed, in words. Makes missing folders. Throws when one cannot be made. */
export function mendData(paths: DataPaths, now: number): string[] {
  const done: string[] = [], stamp = new Date(now).toISOString().replaceAll(":", "-");
  const moveAside = (path: string, why: string) => {
    const aside = `${path}.aside-${stamp}`;
    try {
      Deno.renameSync(path, aside);
      done.push(`${path} ${why}: it is now ${basename(aside)}`);
    } catch (thrown) {
      // Such as an immutable file: whatever needs its place reports that.
      done.push(`${path} ${why}, and cannot be moved away: ${messageOf(thrown)}`);
    }
  };
  for (const folder of [paths.data, paths.senseDatabases, paths.blobs]) {
    const info = ifPresent(() => Deno.statSync(folder));
    if (info?.isDirectory === false) moveAside(folder, "is not a folder");
    makeFolder(folder);
  }
  // Any unit may change its mode; other users must not get in.
  if (((ifPresent(() => Deno.statSync(paths.blobs))?.mode ?? 0) & 0o077) !== 0) tighten(paths.blobs, done);
  for (const { name, isFile } of listEntries(paths.senseDatabases)) {
    if (isFile || !/\.db(-wal|-shm|-journal)?$/.test(name)) continue;
    const path = join(paths.senseDatabases, name);
    moveAside(path, findDatabaseFault(path) ?? "is no database");
  }
  return done;
}

function makeFolder(folder: string): void {
  try {
    Deno.mkdirSync(folder, { mode: 0o700 });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
  }
}

function tighten(folder: string, done: string[]): void {
  try {
    Deno.chmodSync(folder, 0o700);
  } catch (thrown) {
    done.push(`${folder} is accessible to other users, and its mode cannot be changed: ${messageOf(thrown)}`);
  }
}
