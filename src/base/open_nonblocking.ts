/**
 * Opens a file that somebody else may swap at any moment: between a look at it and its opening it may become a link, which
 * leads elsewhere, or a pipe, whose reader waits for ever.
 */
import { getBuiltIn } from "./built_ins.ts";

/** Deno's own functions take no flags. */
export function nodeFiles(): typeof import("node:fs") {
  return getBuiltIn("node:fs");
}

/** For `open` of node:fs: no link is followed, and a pipe is opened without waiting. Whoever opens it looks what it is. */
export function nonblockingFlags(): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = nodeFiles().constants;
  return O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
}

const noFile = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"];

/** Whether the error of that `open` says that there is no file of that name that can be read: a link and a socket are none. */
export function isNoFile(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && noFile.includes(String(thrown.code));
}
