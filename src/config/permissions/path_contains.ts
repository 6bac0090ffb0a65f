/** What a grant of a path reaches: the path itself and all that lies in it. Pure; used where grants are compared. */
import { relative } from "node:path";

/** True when `path` is `folder` or lies in it. Both are absolute. */
export function pathContains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || !(way === ".." || way.startsWith("../"));
}
