/**
 * Opens a path step by step and follows no link on the way, so that nobody can put one there between a look and the
 * opening. Used by landlock.ts for granted paths, and by sandbox/own_files.ts for what it makes there.
 */
import { openCLibrary } from "./c_library.ts";
import { ifPresent } from "./if_present.ts";

export const openSymbols = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

type OpenCalls = Deno.DynamicLibrary<typeof openSymbols>["symbols"];

/** O_PATH | O_CLOEXEC. */
export const openFlags = 0o10000000 | 0o2000000;
/** O_DIRECTORY, O_NOFOLLOW: Linux has them elsewhere on ARM. */
const [directory, noFollow] = Deno.build.arch === "aarch64" ? [0o40000, 0o100000] : [0o200000, 0o400000];

/** A descriptor of the path itself; less than 0: there is nothing. Throws when a link is in the way. */
export function openNoFollow(c: OpenCalls, path: string): number {
  const names = path.split("/").filter((name) => name !== ""), encoder = new TextEncoder();
  let fd = c.open(encoder.encode("/\0"), openFlags | directory);
  for (const [at, name] of names.entries()) {
    const flags = openFlags | noFollow | (at < names.length - 1 ? directory : 0);
    const next = c.openat(fd, encoder.encode(`${name}\0`), flags);
    c.close(fd);
    fd = next;
    if (fd < 0) break;
  }
  // The descriptor of a link opens nothing.
  if (fd < 0 ? isThere(path) : isLink(path)) throw new Error(`a link was put in the way of ${path} just now`);
  return fd;
}

/** Calls `act` with a path of the folder that leads to it whatever is put in the way meanwhile. Not where there is none. */
export function inNoFollow(folder: string, act: (folder: string) => void): void {
  const library = openCLibrary(openSymbols), fd = openNoFollow(library.symbols, folder);
  try {
    if (fd >= 0) act(`/proc/self/fd/${fd}`);
  } finally {
    if (fd >= 0) library.symbols.close(fd);
    library.close();
  }
}

function isLink(path: string): boolean {
  return ifPresent(() => Deno.lstatSync(path).isSymlink) ?? false;
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    // Nor what this user may not look at.
    return false;
  }
}
