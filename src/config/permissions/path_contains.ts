/** A grant of a path covers the path and everything below it. Pure; used where grants are compared. */
import { relative } from "node:path";

/** Whether `path` is `folder` or lies below it. Both are absolute. */
export function pathContains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || !(way === ".." || way.startsWith("../"));
}
