/**
 * Computes the code version of a sense or workflow: a digest of its own folder and of everything it imports, so that a
 * change in lib/ affects exactly the units that import it. Pure; used by reload.ts.
 */
import { dirname, relative } from "node:path";
import type { UnitPlan } from "../process/ports.ts";
import { resolveImport } from "./import_scanner.ts";
import type { Snapshot } from "./workspace_scan.ts";

/** Files that editors create beside a file. They count only if a module imports them. */
const editorFiles =
  /^(\.#.*|#.*#|.*~|\..*\.sw[a-z]|4913|\.DS_Store|\.goutputstream-.*|.*\.(tmp|bak|orig|rej)|.*___jb_.*)$/;

export interface CodeVersion {
  readonly content: string;
  /** Differs whenever one of the files was written, even with the same content. */
  readonly stamp: string;
}

export class CodeVersions {
  readonly #root: string;
  readonly #snapshot: Snapshot;
  /** File paths by folder: `lib`, and folders such as `senses/disk-usage`. */
  readonly #folders = new Map<string, string[]>();

  constructor(root: string, snapshot: Snapshot) {
    this.#root = root;
    this.#snapshot = snapshot;
    for (const path of snapshot.files.keys()) {
      const [section = "", name = ""] = path.split("/");
      const folder = section === "lib" ? "lib" : `${section}/${name}`;
      const paths = this.#folders.get(folder);
      if (paths === undefined) this.#folders.set(folder, [path]);
      else paths.push(path);
    }
  }

  /** The version of the code in a folder. A missing folder has a version too. */
  versionOf(folder: string): CodeVersion {
    const files = this.filesOf(folder).map((path) => ({ path, facts: this.#snapshot.files.get(path) }));
    return {
      content: files.map(({ path, facts }) => `${facts?.hash} ${path}`).join("\n"),
      stamp: files.map(({ path, facts }) => `${facts?.stamp} ${path}`).join("\n"),
    };
  }

  /** The files that make up the version, sorted. */
  filesOf(folder: string): string[] {
    const own = (this.#folders.get(folder) ?? []).filter((path) =>
      !editorFiles.test(path.slice(path.lastIndexOf("/") + 1))
    );
    const reached = new Set(own), waiting = [...own];
    const reach = (path: string) => {
      if (reached.has(path) || !this.#snapshot.files.has(path)) return;
      reached.add(path);
      waiting.push(path);
    };
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const imports = this.#snapshot.files.get(path)?.imports;
      for (const specifier of imports?.specifiers ?? []) {
        const target = resolveImport(specifier, path, this.#root);
        if (target !== null) reach(target);
      }
      if (imports?.unsure === true) { for (const shared of this.#folders.get("lib") ?? []) reach(shared); }
    }
    return [...reached].sort();
  }
}

/** The version of each sense of a group, or of the one workflow. */
export type Versions = ReadonlyMap<string, CodeVersion>;

/** Finds the versions of a unit in a snapshot of the workspace at `root`. */
export function versionsIn(root: string, snapshot: Snapshot): (plan: UnitPlan) => Versions {
  const code = new CodeVersions(root, snapshot), folderOf = (entry: string) => relative(root, dirname(entry));
  return ({ spec }) =>
    spec.workflow === null
      ? new Map(spec.senses.map(({ name, entry }) => [name, code.versionOf(folderOf(entry))]))
      : new Map([[spec.name, code.versionOf(folderOf(spec.workflow.entry))]]);
}

export function isSameContent(a: Versions | undefined, b: Versions): boolean {
  return a !== undefined && a.size === b.size &&
    [...a].every(([name, { content }]) => b.get(name)?.content === content);
}
