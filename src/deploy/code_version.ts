/**
 * Which version of its code a sense or workflow has: a digest over its own folder and all that is imported from there,
 * so that lib/ reaches exactly those that import it. Pure; used by reload.ts.
 */
import { resolveImport } from "./import_scanner.ts";
import type { Snapshot } from "./workspace_scan.ts";

/** What editors leave beside a file; counts only for those who import it. */
const besides = /^(\.#.*|#.*#|.*~|\..*\.sw[a-z]|4913|\.DS_Store|\.goutputstream-.*|.*\.(tmp|bak|orig|rej)|.*___jb_.*)$/;

export interface CodeVersion {
  readonly content: string;
  /** Differs whenever one of the files was written, also when its content is what it was. */
  readonly stamp: string;
}

export class CodeVersions {
  readonly #root: string;
  readonly #snapshot: Snapshot;
  /** Paths by their folder of a sense or workflow (`senses/disk-usage`), and those of `lib`. */
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

  /** Of the code whose folder that is; a folder that is not there has a version as well. */
  of(folder: string): CodeVersion {
    const files = this.files(folder).map((path) => ({ path, facts: this.#snapshot.files.get(path) }));
    return {
      content: files.map(({ path, facts }) => `${facts?.hash} ${path}`).join("\n"),
      stamp: files.map(({ path, facts }) => `${facts?.stamp} ${path}`).join("\n"),
    };
  }

  /** The files that make it up, sorted. */
  files(folder: string): string[] {
    const own = (this.#folders.get(folder) ?? []).filter((path) =>
      !besides.test(path.slice(path.lastIndexOf("/") + 1))
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
