/**
 * Opens a path step by step without following links, so that none can be slipped in between a check and the open. Used
 * by landlock.ts for granted paths, and by sandbox/own_files.ts for files that it makes there.
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
/** O_DIRECTORY and O_NOFOLLOW: they have other values on ARM. */
const [directory, noFollow] = Deno.build.arch === "aarch64" ? [0o40000, 0o100000] : [0o200000, 0o400000];

/** A descriptor of the path itself; negative when there is nothing. Throws when a link is on the way. */
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
  // With these flags a link itself can be opened, but its descriptor is useless.
  if (fd < 0 ? isThere(path) : isLink(path)) throw new Error(`a link was put in the way of ${path} just now`);
  return fd;
}

/** Calls `act` with a path that leads to the folder whatever changes on the way; not at all when it is missing. */
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
    // Neither is a path that this user may not inspect.
    return false;
  }
}
