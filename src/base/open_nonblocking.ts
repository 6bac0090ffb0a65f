/**
 * Opens a file that another process may swap at any moment: between the check and the open it may become a link, which
 * leads elsewhere, or a pipe, whose reader waits for ever.
 */
import { getBuiltIn } from "./built_ins.ts";

/** node:fs, since Deno's own functions take no open flags. */
export function nodeFiles(): typeof import("node:fs") {
  return getBuiltIn("node:fs");
}

/** For `open` of node:fs: follows no link and does not block on a pipe. The caller must check the type of the file. */
export function nonblockingFlags(): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = nodeFiles().constants;
  return O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
}

const noFile = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"];

/** Whether that `open` failed because there is no readable file of that name: links and sockets do not count. */
export function isNoFile(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && noFile.includes(String(thrown.code));
}
