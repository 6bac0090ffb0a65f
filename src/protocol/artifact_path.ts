/** Paths of artifacts. A separate module, because roles check them in their sandbox, which does not load zod. */

/** Whether an artifact's path leads to a file below its agent's folder. */
export function isArtifactPath(path: string): boolean {
  return !path.includes("\0") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
