/** Parses the output of `git status --porcelain=v2 -z --branch`. */

export interface GitStatus {
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  /** Null in a repository without a commit. */
  readonly commit: string | null;
  readonly upstream: string | null;
  /** Commits that only the local branch or only its upstream has, as of the last fetch; null without an upstream. */
  readonly ahead: number | null;
  readonly behind: number | null;
  /** Files that differ from the last commit in any way: each counts once. */
  readonly dirty: number;
  readonly staged: number;
  readonly modified: number;
  readonly untracked: number;
  readonly conflicted: number;
  /** Names of dirty files, relative to the repository's root, at most `filesMax`. */
  readonly files: readonly string[];
}

export const filesMax = 50;

/** Fields before the file name in an entry of each kind; the name itself may contain spaces. */
const fieldsBeforeName: Readonly<Record<string, number>> = { "1": 8, "2": 9, u: 10, "?": 1 };

/** Throws when the text has an entry of an unknown kind. */
export function parseStatus(text: string): GitStatus {
  const headers = new Map<string, string>();
  const counts = { staged: 0, modified: 0, untracked: 0, conflicted: 0 };
  const files: string[] = [];
  const entries = text.split("\0");
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] ?? "";
    const kind = entry.charAt(0);
    if (entry === "") continue;
    if (kind === "#") {
      const [, key = "", value = ""] = /^# (\S+) (.*)$/s.exec(entry) ?? [];
      headers.set(key, value);
      continue;
    }
    files.push(nameOf(entry, kind));
    if (kind === "?") counts.untracked++;
    else if (kind === "u") counts.conflicted++;
    else {
      if (entry.charAt(2) !== ".") counts.staged++;
      if (entry.charAt(3) !== ".") counts.modified++;
    }
    // The old name of a renamed file is an entry of its own.
    if (kind === "2") at++;
  }
  return { ...readHeaders(headers), dirty: files.length, ...counts, files: files.slice(0, filesMax) };
}

function nameOf(entry: string, kind: string): string {
  const fields = fieldsBeforeName[kind];
  if (fields === undefined) throw new Error(`git printed something unexpected: ${entry.slice(0, 100)}`);
  return entry.split(" ").slice(fields).join(" ");
}

function readHeaders(
  headers: ReadonlyMap<string, string>,
): Pick<GitStatus, "branch" | "commit" | "upstream" | "ahead" | "behind"> {
  const branch = headers.get("branch.head") ?? "(detached)", commit = headers.get("branch.oid") ?? "(initial)";
  const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(headers.get("branch.ab") ?? "") ?? [];
  return {
    branch: branch === "(detached)" ? null : branch,
    commit: commit === "(initial)" ? null : commit,
    upstream: headers.get("branch.upstream") ?? null,
    ahead: ahead === undefined ? null : Number(ahead),
    behind: behind === undefined ? null : Number(behind),
  };
}
