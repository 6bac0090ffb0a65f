/** Starts nerve again: the same executable with other arguments, in every form in which nerve is built. */
import manifest from "../../deno.json" with { type: "json" };
import { toFilePath } from "./file_url.ts";

/** A compiled nerve is one file; otherwise Deno runs nerve's sources, from a clone or from the portable form. */
export const isCompiled: boolean = Reflect.get(Deno.build, "standalone") === true;

/**
 * A file or folder of nerve, by its path below src/. A bundle lies one folder below src/, as every room does, so the
 * same relative path works in it.
 */
export function resolveOwnFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** Where tools/build/bundle.ts puts the bundle of an entry. Both paths are below src/. */
export function toBundlePath(entry: string): string {
  return `bundle/${entry.replaceAll("/", "_").replace(/\.ts$/, ".js")}`;
}

const isBundled = import.meta.url.endsWith(".js");

/** A module that is loaded in the sandbox, by its path below src/. Its bundled form lies beside it. */
export function resolveSandboxModule(path: string): URL {
  return resolveOwnFile(isBundled ? path.replace(/\.ts$/, ".js") : path);
}

/** The main module of a process or thread of nerve; `entry` is its path below src/. */
export function resolveOwnEntry(entry: string): URL {
  return resolveOwnFile(isBundled ? toBundlePath(entry) : entry);
}

/**
 * Deno's flags for running with nerve's own packages only, without downloads. The lock file beside deno.json pins each
 * version: without it Deno would ask the registry.
 */
export const ownPackages: readonly string[] = ["--frozen", "--cached-only"];

/** The lock file beside deno.json. Built forms have none: their packages are plain files (tools/build/vendor.ts). */
export const ownLock: URL = resolveOwnFile("../deno.lock");

/** Deno's flags for a bundle; the header of the portable form has them too (tools/build/portable.ts). */
export const bundleFlags: readonly string[] = [
  "--cached-only",
  "--no-remote",
  "--no-lock",
  "--no-config",
  ...manifest.unstable.map((name) => `--unstable-${name}`),
];

/**
 * V8's flags for a small process. V8 keeps up to 48 MiB for young objects of a busy program; a kernel with 1,000 senses
 * does as much work with 12. A process frees the memory that loading its code took after 30 s, with these flags after 2
 * s: 2 of a group's 22 MiB, and 7 of a kernel's 38 MiB.
 */
export const smallHeap: readonly string[] = [
  "--max-semi-space-size=4",
  "--gc-memory-reducer-start-delay-ms=1000",
  "--memory-reducer-delay-ms=500",
];

/** The program to start. Linux appends " (deleted)" once its file was removed; a new copy has the old name. */
export function findOwnProgram(): string {
  return Deno.execPath().replace(/ \(deleted\)$/, "");
}

/** The folder of Deno's cache, for a process that has no HOME, or another one. */
export function findDenoCache(env: Readonly<Record<string, string>>): string | null {
  if (env.DENO_DIR !== undefined) return env.DENO_DIR;
  if (env.XDG_CACHE_HOME !== undefined) return `${env.XDG_CACHE_HOME}/deno`;
  if (env.HOME === undefined) return null;
  return Deno.build.os === "darwin" ? `${env.HOME}/Library/Caches/deno` : `${env.HOME}/.cache/deno`;
}

/** What a process that also loads user code needs. */
export interface Guests {
  /** Deno's permission flags. */
  readonly rights: readonly string[];
  /** Deno's flags for the packages of user code. */
  readonly packages: readonly string[];
}

/**
 * The arguments between `findOwnProgram()` and nerve's own. A compiled nerve contains Deno's flags and always starts at
 * main.ts. Under Deno, another `entry` (a path below src/) avoids loading what main.ts imports: Deno resolves its whole
 * graph, dynamic imports included: 20 ms for the command line. A bundle imports nothing; it needs deno.json,
 * which takes Deno 7 ms to read, only for user code.
 */
export function buildSelfArguments(entry: string = "main.ts", guests: Guests | null = null): string[] {
  if (isCompiled) return [];
  const config = ["-c", toFilePath(resolveOwnFile("../deno.json"))];
  const alone = isBundled ? bundleFlags : [...ownPackages, ...config];
  const packages = guests === null ? alone : [...guests.packages, ...config];
  return [
    "run",
    ...guests?.rights ?? ["-A"],
    "--quiet",
    "--no-prompt",
    ...packages,
    toFilePath(resolveOwnEntry(entry)),
  ];
}
