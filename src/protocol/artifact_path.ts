/** Paths of artifacts. A module of its own, because roles judge them in their sandbox, which loads no zod. */

/** Whether an artifact's path leads to a file below the folder in which its agent works. */
export function isArtifactPath(path: string): boolean {
  return !path.includes("\0") && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
